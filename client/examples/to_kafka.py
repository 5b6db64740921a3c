"""Forward every event to a Kafka topic, in order, exactly once.

    python to_kafka.py localhost:9092 wiredesk          (pip install confluent-kafka)

Each record is the CloudEvent as it came (the structured mode of CloudEvents' Kafka binding), keyed by its subject, so
that all that happens to one article stays in order in one partition. No file remembers the position: the topic does. At
the start the last record of each partition is read, and the highest position among them is where to go on, since a
record is acknowledged before the next one is sent. `WIREDESK_URL` and `WIREDESK_KEY` say where the desk is.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from wiredesk import Event, Wiredesk

TIMEOUT_S = 60.0
Produce = Callable[[bytes, bytes, Mapping[str, str]], None]  # key, value, headers; returns once it is acknowledged


def producer_of(brokers: str, topic: str) -> Produce:
    """Sends one record at a time, and raises unless every replica has it."""
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 0})

    def produce(key: bytes, value: bytes, headers: Mapping[str, str]) -> None:
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        producer.produce(topic, value, key=key, headers=list(headers.items()), on_delivery=delivered)
        if producer.flush(TIMEOUT_S) or failed:
            raise KafkaException(failed[0] if failed else KafkaError(KafkaError._MSG_TIMED_OUT))

    return produce


def last_position(brokers: str, topic: str) -> int | None:
    """The position of the newest record of a topic; None for one that is empty or not there."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "wiredesk-position", "enable.auto.commit": False})
    try:
        told = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
        ends = []
        for number in told.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT_S)
            if high > low:
                ends.append(TopicPartition(topic, number, high - 1))
        positions: list[int] = []
        if ends:
            consumer.assign(ends)
        while len(positions) < len(ends):
            message = consumer.poll(TIMEOUT_S)
            if message is None or message.error():
                raise KafkaException(message.error() if message else KafkaError(KafkaError._TIMED_OUT))
            positions.append(position_of(message))
            consumer.pause([TopicPartition(topic, message.partition() or 0)])  # one of each is enough
        return max(positions, default=None)
    finally:
        consumer.close()


def position_of(message: Message) -> int:
    """The position of a record that we sent. Raises `ValueError` for one of somebody else."""
    position = dict(message.headers() or []).get("position")
    if position is None:
        raise ValueError(f"{message.topic()} has records that are not ours: give each desk a topic of its own")
    return int(position)


def run(desk: Wiredesk, produce: Produce, after: int | None) -> None:
    """For ever: every event, each acknowledged before the next is asked for."""
    for event in desk.follow(after=after or 0):
        forward(event, produce)


def forward(event: Event, produce: Produce) -> None:
    """One event as one record."""
    headers = {"content-type": "application/cloudevents+json; charset=utf-8", "position": str(event.position)}
    produce(event.subject.encode(), event.model_dump_json().encode(), headers)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("brokers", help="host:port, several with commas")
    asked.add_argument("topic")
    given = asked.parse_args()
    url = os.environ.get("WIREDESK_URL", "http://127.0.0.1:8080")
    with Wiredesk(url, key=os.environ.get("WIREDESK_KEY")) as desk:
        run(desk, producer_of(given.brokers, given.topic), last_position(given.brokers, given.topic))
