"""Language models that answer by a prompt: what they are called, what they are asked, and how they are reached.

Gives: `endpoint`, `language_model`, `llm_name`, `prompting`, `reply`. Its own: `local_model`, `pace`,
`server_answer`.
"""
