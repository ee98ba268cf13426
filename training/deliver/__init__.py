"""From a finished run to the model repository: card, plots, gate, the files that Triton loads, the int8 variant."""
