"""Whether label events can be learned from: agreement, copies, floods, suspected errors."""
