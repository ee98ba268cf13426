"""From labelled photographs of blood smears to a model version that Triton serves.

Read in this order:

* what there is: ``data`` (photographs), ``slides`` (pseudo-slides), ``splits`` (folds and test part), ``synthetic`` and
  ``drawing`` (a drawn data set);
* how one network is trained: ``config``, ``augment``, ``normalise``, ``views`` (ways to look at a photograph),
  ``network``, ``features`` (what is computed once), ``fit``, ``state``, ``precision``, ``parallel``, ``train``;
* how good it is: ``metrics``, ``bootstrap``, ``baselines``, ``crossvalidate``, ``ablate``, ``evaluate``, ``shifts``,
  ``explain`` with ``deletion``, ``quality``;
* when it should be silent: ``calibrate``, ``conformal``, ``outliers``;
* what is delivered: ``finish`` (all of the above, once), ``weights``, ``card`` with ``card_text`` and ``plots``,
  ``gate``, ``export`` with ``parity``; in eight-bit integers ``quantize``, ``quantized``, ``variant``.

``python -m training --help`` lists the commands.
"""
