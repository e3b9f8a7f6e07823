"""Calls that a telephony provider forwards over a websocket in the Twilio Media Streams format."""
