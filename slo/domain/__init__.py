"""The pure core: no I/O, no clock, no log, no rounding.

Instants are epoch seconds (`int`) because buckets are aligned to the epoch and
bucket arithmetic must be exact; samples carry epoch milliseconds (`int`), as
Prometheus does. Aware UTC datetimes appear where people read or write times.
"""
