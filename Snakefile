"""The whole workflow for a checkout; workflow/Snakefile is its table of contents."""


include: "workflow/Snakefile"


inside.make_default_target(workflow, rules.all)
