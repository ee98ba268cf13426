"""From a recipe to trained and calibrated weights: one network, all folds, all ablations, a finished version."""
