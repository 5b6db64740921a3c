"""Looking articles up: questions, conditions, and the statements that answer them within bounds."""
