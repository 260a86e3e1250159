"""Offline audits: files of posts in, decisions and a report out, resumable at any moment."""
