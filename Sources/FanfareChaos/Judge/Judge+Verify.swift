extension Judge {
    /// Holds what was passed over against what others saw.
    package mutating func verify() {
        for (key, reception) in receptions { verify(key, reception) }
        for (key, reception) in ended { verify(key, reception) }
    }

    /// The same when traffic has ended and everything must have arrived everywhere.
    package mutating func verifyEnd() {
        verify()
        for (key, reception) in receptions {
            guard let log = logs[key.channel][reception.epoch], reception.last < log.last else { continue }
            for (offset, id) in log.between(reception.last, log.last + 1) {
                note(.lost, key.client, key.channel, "\(id) at offset \(offset) of \(reception.epoch), the end")
            }
        }
        for (id, receipt) in unseen {
            note(
                .lost, nil, id.channel,
                "\(id), acknowledged at \(receipt.at.seconds.oneDigit) s\(receipt.position.map { " as \($0)" } ?? "")"
                    + ", reached nobody")
        }
        verifyOrder()
    }

    private mutating func verify(_ key: Key, _ reception: Reception) {
        guard !reception.jumps.isEmpty, let log = logs[key.channel][reception.epoch] else { return }
        for (jump, offset, id) in reception.missing(in: log) {
            guard reported.insert(Loss(key: key, epoch: reception.epoch, offset: offset)).inserted else { continue }
            note(
                .lost, key.client, key.channel,
                "\(id) at offset \(offset) of \(reception.epoch); passed from \(jump.after) to \(jump.before) at "
                    + "\(jump.at.seconds.oneDigit) s under fault \(jump.at.fault)")
        }
    }

    /// A publisher waits for each answer before its next: what it was answered stands in the stream in its order.
    private mutating func verifyOrder() {
        for (channel, epochs) in logs.enumerated() {
            for (epoch, log) in epochs {
                var last: [Int: Int] = [:]
                var wrong: [(UInt64, PublicationID)] = []
                log.forEach { offset, id in
                    guard !unknown.contains(id) else { return }
                    if id.number < last[id.publisher] ?? 0 { wrong.append((offset, id)) }
                    last[id.publisher] = max(last[id.publisher] ?? 0, id.number)
                }
                for (offset, id) in wrong {
                    note(.reordered, nil, channel, "\(id) stands at \(offset) of \(epoch) behind later ones")
                }
            }
        }
    }
}
