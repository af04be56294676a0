"""For newcomers: makes Collective Mind use this script, and makes a sample round to try it on."""
