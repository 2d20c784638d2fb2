"""Who runs this installation and how it looks: themes and pages of the content, which belong to no slice."""
