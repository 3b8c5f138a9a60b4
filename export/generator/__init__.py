"""Networks that write text token by token: an encoder that runs once, and a decoder with a key/value cache.

shapes.py        sizes, weights by our own names, random weights
encoder_graph.py picture or sound → the keys and values that every layer of the decoder looks up
decoder_graph.py one token and the cache → the next token's odds, and what is new in the cache
checkpoint.py    Hugging Face checkpoint folders of Whisper, ViT + GPT-2 and BLIP
recipes.py       both networks as recipes

How they are run: `assistant/inference/generation.py`.
"""
