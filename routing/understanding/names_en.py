"""English given names, surnames and towns that recognizers write in lower case, as any other word.

The commonest of the United States and the United Kingdom, and of callers from elsewhere who speak English; words that
are said for something else more often (will, mark, may, grace, reading) are left out.
"""

from __future__ import annotations

from typing import Final

GIVEN: Final = frozenset(
    """
    aaron abby abdul abigail adam adrian agnes ahmed aisha alan albert alejandro alex alexander alexandra alexis
    alfred ali alice alicia alison allison alyssa amanda amelia amir amy ana andre andrea andrew andy angela
    angelica angie anita ann anna anne annie anthony antonio april arjun arnold arthur ashley audrey barbara
    barry beatrice becky ben benjamin bernard beth bethany betty beverly bob bobby bonnie brad bradley brandon
    brenda brent brett brian bridget bruce bryan caitlin caleb calvin cameron carl carla carlos carmen carol
    caroline carolyn carrie catherine cathy charlene charles charlie charlotte chelsea cheryl chloe chris
    christian christina christine christopher cindy claire clara clarence claudia clifford colin connie connor
    corey courtney craig crystal curtis cynthia daisy dale dan dana daniel danielle danny darren dave david dawn
    deborah debbie debra deepak denise dennis derek diana diane diego dmitri dominic donald donna doris dorothy
    doug douglas dylan ed eddie edgar edith eduardo edward edwin eileen elaine eleanor elena elijah elizabeth
    ella ellen ellie emily emma eric erica erik erin ernest esther ethan eugene eva evelyn fatima felicia
    fernando fiona florence frances francis francisco fred frederick gabriel gabriela gail gary gavin geoffrey
    george gerald geraldine gina gloria gordon graham greg gregory gwen hannah harold harriet harry hassan
    heather hector heidi helen henry herbert howard hugh ian ibrahim imani ines irene isaac isabel isabella ivan
    jack jackie jackson jacob jacqueline jake jamal james jamie jane janet janice jared jasmine jason javier jay
    jean jeff jeffrey jen jenna jennifer jenny jeremy jerome jerry jesse jessica jill jim jimmy joan joanna
    joanne jocelyn joe joel johanna john johnny jon jonathan jordan jorge jose joseph josh joshua joyce juan
    juanita judith judy julia julian julie june justin kaitlyn karen karl kate katherine kathleen kathryn kathy
    katie kayla keisha keith kelly kelsey ken kenneth kevin kim kimberly kirk kristen kristin kyle lakshmi larry
    latoya laura lauren laurie lawrence leah leo leon leonard leroy leslie liam lily linda lindsay lisa liz
    lloyd logan lois lori lorraine louis louise lucas lucia lucy luis luke lydia lynn madison malcolm manuel
    marc marcia marcus margaret maria marie marilyn mario marion marissa marjorie marlene martha martin marvin
    mary matt matthew maureen maurice mehmet megan meera mei melanie melissa melvin mia michael michelle miguel
    mike mildred mina miranda mohammed molly monica morgan muhammad nadia nancy naomi natalia natalie natasha
    nathan nathaniel neil nicholas nick nicole nigel nikki nina noah nora norma norman olga olivia omar oscar
    owen pamela patricia patrick paul paula pauline pedro peggy penny percy peter phil philip phillip phyllis
    priya rachel rafael raj rajesh ralph ramon randy rashid ravi ray raymond rebecca regina renee ricardo
    richard rick rita robert roberta robin rodney roger roland ronald ronnie rosa rosemary ross roxanne ruby
    russell ruth ryan sabrina sally sam samantha samuel sandra sandy sanjay sara sarah scott sean sebastian
    selena sergio seth shannon sharon shawn sheila shelby sherry shirley simon sofia sonia sophia sophie stacey
    stacy stanley stella stephanie stephen steve steven stuart susan suzanne sylvia tamara tammy tanya tara
    tariq tasha taylor ted teresa terence terry theodore theresa thomas tiffany tim timothy tina todd tom tommy
    toni tony tracy travis trevor tyler tyrone vanessa vera veronica vicki vicky victor victoria vijay vincent
    viola virginia vivian wanda warren wayne wendy wesley whitney wilfred william willie xavier yasmin yolanda
    yuki yusuf yvette yvonne zach zachary zoe
    """.split()  # noqa: SIM905  hundreds of names, one a line as a list would be, cannot be read
)
"""Given names."""

FAMILY: Final = frozenset(
    """
    price cook bush woods field hunter long rose west north day may love king chambers barker ward wells wood
    black white green gray rich strong small little dean ford cross page pope fields rivers dawson cole potter
    fowler sutton nash blake lane abbott abrams adams aguilar ahmed alexander ali allen alvarez anderson andrews
    armstrong arnold atkins bailey baker banks barnes barrett bates becker bell bennett berry bishop boyd
    bradley brennan brooks brown bryant burke burns butler byrne campbell carlson carpenter carr carroll carter
    castillo castro chan chandler chang chapman chavez chen cheng choi chowdhury clark clarke cohen coleman
    collins cooper cox crawford cruz cunningham daniels davidson davies davis delgado desai diaz dixon donovan
    doyle duncan dunn edwards elliott ellis evans farrell ferguson fernandez fisher fitzgerald fleming fletcher
    flores foster fox franklin fraser freeman fuller garcia gardner garrett gibson gilbert goldberg gomez
    gonzalez goodman gordon graham greene griffin gupta gutierrez hall hamilton hansen harper harris harrison
    harvey hawkins hayes henderson hernandez hicks hill hoffman holmes howard huang hudson hughes hunt hussain
    jackson jacobs jenkins jensen jimenez johnson johnston jones joshi kaplan kapoor kaur keller kelly kennedy
    khan kim klein knight kowalski kumar lambert larson lawson lee leonard levy lewis lin liu lopez lynch
    macdonald mahmoud malik marshall martin martinez mason matthews mccarthy mcdonald mckenzie mehta mendoza
    meyer miller mitchell morales moreno morgan morris morrison mueller murphy murray myers nakamura nelson
    newman nguyen nichols novak obrien oconnor okafor oliver olson ortega ortiz osborne owens palmer park parker
    parsons patel patterson payne pearson pereira perez perkins perry peters petersen peterson phillips porter
    powell quinn ramirez ramos rao reddy reed reid reyes reynolds richards richardson riley rivera roberts
    robertson robinson rodriguez rogers romero rosen rosenberg ross rossi russell ryan sanchez sanders santos
    sato schmidt schneider schultz scott shah sharma shaw silva simmons simpson singh smith snyder spencer
    stephens stevens stevenson stewart stone suarez sullivan suzuki tanaka tanner taylor thomas thompson torres
    tran tucker turner vargas vasquez wagner walker wallace walsh wang warren washington watkins watson weaver
    webb weber webster wheeler wilkins williams williamson willis wilson wong woods wright wu yamamoto yang
    young zhang zhao zimmerman
    """.split()  # noqa: SIM905  hundreds of names, one a line as a list would be, cannot be read
)
"""Surnames."""

TOWNS: Final = frozenset(
    """
    aberdeen albany albuquerque anaheim arlington athens atlanta austin bakersfield baltimore belfast berkeley
    birmingham boise boston boulder bradford brighton bristol brooklyn buffalo cambridge cardiff charleston
    charlotte chester chicago cincinnati cleveland coventry dallas dayton denver derby detroit dover dublin
    dundee durham edinburgh exeter fresno glasgow gloucester greensboro hartford henderson honolulu houston
    huntsville indianapolis ipswich irvine jacksonville knoxville leeds leicester lexington lincoln liverpool
    london louisville madison manchester melbourne memphis mesa miami milwaukee minneapolis mobile montgomery
    montreal nashville newark newcastle newport norfolk norwich nottingham oakland omaha orlando ottawa oxford
    pasadena perth philadelphia phoenix pittsburgh plano plymouth portland portsmouth preston providence queens
    raleigh richmond riverside rochester sacramento salem savannah scottsdale seattle sheffield southampton
    spokane springfield stamford stockport sunderland swansea sydney syracuse tacoma tampa toledo toronto tucson
    tulsa vancouver wakefield washington wichita wilmington windsor wolverhampton worcester york
    """.split()  # noqa: SIM905  hundreds of names, one a line as a list would be, cannot be read
)
"""Towns of one word."""

TOWNS_OF_TWO: Final = frozenset(
    (
        "new york", "los angeles", "san francisco", "san diego", "san antonio", "san jose", "las vegas", "new orleans",
        "st louis", "st paul", "kansas city", "oklahoma city", "salt lake", "fort worth", "long beach", "el paso",
        "santa fe", "santa ana", "santa monica", "palo alto", "baton rouge", "des moines", "grand rapids", "ann arbor",
        "fort lauderdale", "st petersburg", "jersey city", "colorado springs", "virginia beach", "corpus christi",
    )
)  # fmt: skip
"""Towns of two words."""
