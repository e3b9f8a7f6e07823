"""Telephone calls over SIP: the only room of the SIP stack."""
