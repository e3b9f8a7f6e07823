/** The id of an utterance's element, for links that lead to it. */
export const segmentElementId = (segment: number): string => `segment-${segment}`;
