"""The release report: what a model does on rows it never learned from, as figures and a page."""
