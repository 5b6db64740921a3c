"""The recipe of the entity model: data, network, training, export, scores. Build time only."""
