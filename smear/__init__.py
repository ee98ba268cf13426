"""What a blood smear is to every part of Hemalens: classes, safe decoding, the model's input
tensor and its contract.

Pillow and NumPy only. Training and serving share this one preprocessing, so a figure measured in training
holds for what the portal serves.
"""
