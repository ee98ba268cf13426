"""What there is: photographs, pseudo-slides, folds and test part, drawn smears, and how a photograph is changed."""
