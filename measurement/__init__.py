"""What everything that measures is made with: statistics, tables, plots, child processes."""
