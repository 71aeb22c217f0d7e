"""Names, hosts, addresses and ids of a text replaced by tokens, equal for equal: values in, values out."""
