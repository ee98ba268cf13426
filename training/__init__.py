"""From labelled photographs of blood smears to a model version that Triton serves.

Read in this order: ``data`` (which photographs), ``splits`` (which of them train), ``augment``, ``network``,
``features`` (what is computed once), ``fit`` (the fine-tuning), ``calibrate``, ``metrics`` and ``baselines``
(how good, and compared with what), ``weights``, ``export`` and ``card`` (what is delivered). ``train`` ties
them together; ``python -m training --help`` lists the commands.
"""
