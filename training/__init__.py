"""From labelled photographs of blood smears to a model version that Triton serves.

Each package imports those before it and none after:

* ``command``: what a command of ``cli`` is;
* ``data``: photographs (``manifest``), pseudo-slides (``slides``), folds and test part (``splits``), signed cases
  (``reviewed``), a drawn data set (``synthetic``, ``drawing``), and how a photograph is changed on its way in
  (``augment``, ``normalise``, ``transforms``);
* ``config``: the recipe of a run;
* ``model``: ``network``, its ``weights`` on disk, ``quantize`` and ``quantized`` for eight-bit integers, ``outliers``,
  ``precision``, and the addresses of the delivered versions (``repository``);
* ``evaluate``: ``metrics``, ``bootstrap``, ``baselines``, ``evaluation`` of a weights file, ``other_images``,
  ``shifts``, ``explain`` with ``deletion``, ``quality``, and when to refer: ``calibrate``, ``conformal``;
* ``fit``: ``features`` (what is computed once), ``fine_tuning``, ``checkpoint``, ``parallel``, ``train`` (one network),
  ``crossvalidate``, ``ablate``, ``build`` (all of it, once, and calibrated);
* ``deliver``: ``card`` with ``card_text`` and ``plots``, ``gate``, ``export`` with ``parity``, ``int8_model``.

``python -m training --help`` lists the commands.
"""
