"""From a recipe to the stages of its run, and what they will take; nothing is computed yet.

Gives: `content`, `data_facts`, `plan`, `written_plan`. Its own: `corpora`, `cost`, `encoder_facts`, `encoders`,
`language_models`, `readers`.
"""
