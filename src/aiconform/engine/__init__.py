"""From a survey to an assessment: plan, observe, judge, assess. No domain knowledge lives here."""
