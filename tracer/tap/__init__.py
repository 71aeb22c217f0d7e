"""Copies of every RPC message, taken from RabbitMQ's firehose without endangering the broker."""
