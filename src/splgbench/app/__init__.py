"""The local web app: an instance in the browser, its rules, solves, results, decisions and races."""
