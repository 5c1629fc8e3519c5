"""Any connectivity, width, depth and activation. Source: theory.md, sections 2 and 3."""
