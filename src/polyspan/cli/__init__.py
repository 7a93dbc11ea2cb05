"""The command line: one file a group of verbs, each verb a thin face of a public function."""
