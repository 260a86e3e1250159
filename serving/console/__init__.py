"""The moderators' console: pages that a server renders, on the same functions as the API."""
