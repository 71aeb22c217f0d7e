"""The broker as a witness: copies of every RPC message, from RabbitMQ's firehose, without endangering the broker."""
