"""The conditions under which a candidate may take the champion's place."""
