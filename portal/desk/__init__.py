"""What a person works at: worklist, case page, bell, and the pages that show a case again."""
