"""Language models that answer by a prompt: what they are called, what they are asked, and how they are reached.

Gives: `language_model`, `llm_name`, `prompting`. Its own: `endpoint`, `local_model`, `pace`, `reply`,
`server_answer`.
"""
