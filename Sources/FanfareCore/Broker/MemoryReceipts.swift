import FanfareWire
import NIOCore

/// The idempotency keys of the last minutes and what their publishes came to. Bounded: the oldest go first.
struct MemoryReceipts {
    private struct Key: Hashable {
        let channel: ChannelName
        let key: ExactText
    }

    private struct Note {
        let key: Key
        let until: UInt64
    }

    private var receipts: [Key: PublishReceipt] = [:]
    private var notes = CircularBuffer<Note>()

    /// The receipt of an earlier publish.
    mutating func find(_ channel: ChannelName, _ key: String, now: UInt64) -> PublishReceipt? {
        expire(now)
        guard var receipt = receipts[Key(channel: channel, key: ExactText(key))] else { return nil }
        receipt.isDuplicate = true
        return receipt
    }

    mutating func note(_ receipt: PublishReceipt, _ channel: ChannelName, _ key: String, now: UInt64) {
        let key = Key(channel: channel, key: ExactText(key))
        receipts[key] = receipt
        notes.append(Note(key: key, until: now + IdempotencyKey.lifetime.microseconds))
        expire(now)
    }

    private mutating func expire(_ now: UInt64) {
        while let oldest = notes.first, oldest.until < now || notes.count > Self.maximum {
            receipts[oldest.key] = nil
            notes.removeFirst()
        }
    }
}
