"""Names in text: found, put right, folded into one form and told apart. Which rule is where, in the order they run:

  found         rules (tier without a model) · countries (other languages) · spacy (plug-in) · own (the operator's list)
    put together  steps/mentions: pieces of one name · edges: where a name ends, titles, legal forms, buildings
                  expansions: what an acronym in parentheses stands for
    put right     mending: by the table of places, by what a text says of a name elsewhere, by "party", "-led", "MP"
                  beside: by what stands beside a name and how it is written
                  bodies: bodies of ordinary words; laws and illnesses are none; datelines: what opens a report
    added         things: events, works, products · steps/mentions: nationalities
    whole text    families: people who are called as places are
  folded        steps/folding, by fold (one form), forms (short names), acronyms, namesakes (two places of one name),
                bearers (two people of one family)
  spoken of     pronouns: he or she · speakers: who says what is quoted

What is true of one name by itself is in edges, by its neighbours in beside, by the whole text in mending or families.
"""
