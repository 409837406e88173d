import FanfareCore
import FanfareWire
import NIOCore

/// Subscriptions whose messages the client acknowledges: see ``STOMPWindow``.
extension STOMPSession {
    /// Bytes that may still wait for ACKs.
    var ackBudget: Int { policy.maxUnackedBytes - unackedBytes }

    /// How a SUBSCRIBE wants it; `nil`: it acknowledges nothing.
    func window(_ frame: STOMPFrame) throws(STOMPError) -> STOMPWindow? {
        let isCumulative: Bool
        switch frame["ack"] {
        case nil, "auto"?: return nil
        case "client"?: isCumulative = true
        case "client-individual"?: isCumulative = false
        default: throw STOMPError("ack is auto, client or client-individual")
        }
        guard let text = frame["prefetch-count"] else {
            return STOMPWindow(isCumulative: isCumulative, limit: STOMPBounds.unacked)
        }
        guard let count = Int(text.string), count >= 0 else { throw STOMPError("prefetch-count is no number") }
        // 0 is "as many as can be had" to RabbitMQ.
        let limit = count == 0 ? STOMPBounds.unacked : min(count, STOMPBounds.unacked)
        return STOMPWindow(isCumulative: isCumulative, limit: limit)
    }

    /// Refuses acknowledgements where they can't be kept.
    func checkAcks(_ window: STOMPWindow?, _ rules: ChannelRules) throws(STOMPError) {
        guard window != nil, rules.queue == .newest else { return }
        throw STOMPError("ack: of this channel only the newest message waits, use ack:auto", .notAvailable)
    }

    /// Writes the lead of one delivery.
    ///
    /// - Returns: whether the client takes it now.
    mutating func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        guard !hasFailed, leaving == nil, let index = index(of: request) else { return false }
        guard let number = take(publication, at: index) else { return false }
        writeLead(subscriptions[index], number, repetitions: 0, into: &lead)
        return true
    }

    /// Gives a subscription a publication, if it has room for it.
    ///
    /// - Returns: the message's number.
    mutating func take(_ publication: Publication, at index: Int) -> UInt64? {
        var budget = ackBudget
        let number = subscriptions[index].window?.take(publication, &budget, period: ackPeriods)
        unackedBytes = policy.maxUnackedBytes - budget
        if let window = subscriptions[index].window {
            if window.isBehind { hasBehind = true }
            if window.isOverrun, overrun == nil {
                let channel = subscriptions[index].destination.channel
                overrun = "slow consumer: \(window.waiting.count) messages of \(channel) wait for ACK and more came"
            }
        }
        return number
    }

    private func writeLead(
        _ subscription: Subscription, _ number: UInt64, repetitions: Int, into buffer: inout ByteBuffer
    ) {
        let id = STOMPAckID(subscription: subscription.number, number: number)
        buffer.writeBytes(subscription.lead)
        buffer.writeString("message-id:\(id)\n")
        if version >= .v12 { buffer.writeString("ack:\(id)\n") }
        if repetitions > 0 { buffer.writeString("redelivered:\(repetitions)\n") }
    }

    /// A message of its own: what was missed, or comes again.
    func message(_ subscription: Subscription, _ publication: Publication, _ number: UInt64, repetitions: Int = 0)
        -> Body
    {
        var lead = ByteBuffer()
        writeLead(subscription, number, repetitions: repetitions, into: &lead)
        return STOMPCodec(form(subscription)).message(lead.readableBytesView, publication)
    }

    /// The subscription of a number of the node's: they grow.
    func index(of number: UInt32) -> Int? {
        var (start, end) = (0, subscriptions.count)
        while start < end {
            let middle = (start + end) / 2
            if subscriptions[middle].number < number { start = middle + 1 } else { end = middle }
        }
        if start < subscriptions.count, subscriptions[start].number == number { return start }
        // After four billion they begin anew.
        return hasWrapped ? subscriptions.firstIndex { $0.number == number } : nil
    }

    // MARK: ACK and NACK

    mutating func acknowledge(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        let acknowledgement = try acknowledgement(frame)
        guard let transaction = frame["transaction"] else {
            return .all(perform(acknowledgement) + receipt(frame["receipt"]))
        }
        try transactions.add(.acknowledge(acknowledgement), to: transaction, within: policy)
        return .all(receipt(frame["receipt"]))
    }

    /// Reads which message is meant. What was given up, or belonged to a subscription that is gone, is none of the client's mistakes.
    private func acknowledgement(_ frame: STOMPFrame) throws(STOMPError) -> STOMPAcknowledgement {
        let command = frame.command.rawValue
        guard version > .v10 || frame.command == .ack else { throw STOMPError("NACK is not of STOMP 1.0") }
        let name: ExactText = version >= .v12 ? "id" : "message-id"
        guard let text = frame[name] else { throw STOMPError("\(command) without \(name)") }
        guard let id = STOMPAckID(text) else { throw Self.unknown(command) }
        guard let index = index(of: id.subscription) else {
            guard id.subscription <= lastNumber || hasWrapped else { throw Self.unknown(command) }
            return STOMPAcknowledgement(id: id, isNack: frame.command == .nack)
        }
        let subscription = subscriptions[index]
        guard let window = subscription.window, id.number >= 1, id.number <= window.lastNumber else {
            throw Self.unknown(command)
        }
        if version == .v11 {
            guard let name = frame["subscription"] else { throw STOMPError("\(command) without subscription") }
            guard name == subscription.id else { throw Self.unknown(command) }
        }
        return STOMPAcknowledgement(id: id, isNack: frame.command == .nack)
    }

    private static func unknown(_ command: String) -> STOMPError {
        STOMPError("\(command): no message of that id waits for it")
    }

    /// Does what an ACK or NACK says, now or at the end of its transaction.
    mutating func perform(_ acknowledgement: STOMPAcknowledgement) -> [SessionAction] {
        guard let index = index(of: acknowledgement.id.subscription), subscriptions[index].window != nil else {
            return []
        }
        guard acknowledgement.isNack else {
            unackedBytes -= subscriptions[index].window?.acknowledge(acknowledgement.id.number) ?? 0
            return []
        }
        let repeated = subscriptions[index].window?.reject(acknowledgement.id.number, period: ackPeriods)
        return repeated.map { again($0, at: index) } ?? []
    }

    private mutating func again(_ repeated: STOMPWindow.Repetition, at index: Int) -> [SessionAction] {
        unackedBytes -= repeated.bytes
        let subscription = subscriptions[index]
        return repeated.again.map { delivery in
            .send(
                message(
                    subscription, delivery.publication.value, delivery.number, repetitions: delivery.repetitions))
        }
    }

    /// Messages that an ACK or NACK is about, at most.
    func countOfMessages(_ frame: STOMPFrame) -> Int {
        guard let id = frame[version >= .v12 ? "id" : "message-id"].flatMap({ STOMPAckID($0) }),
            let index = index(of: id.subscription),
            let window = subscriptions[index].window
        else { return 0 }
        return window.isCumulative ? window.waiting.count : 1
    }

    // MARK: Time

    /// Seconds until the next look at what waits too long; `nil`: nothing can.
    var ackCheckSeconds: Int64? { windows > 0 ? policy.ackCheckSeconds : nil }

    /// Sends again what was not acknowledged in time.
    ///
    /// - Parameter isBehind: whether the client has not taken what was sent: then it can't have acknowledged it.
    mutating func repeatUnacknowledged(_ now: TokenTime, isBehind: Bool) -> [SessionAction] {
        guard windows > 0, leaving == nil, !hasFailed, now.monotonic - lastAckCheck >= policy.ackCheckSeconds else {
            return []
        }
        lastAckCheck = now.monotonic
        ackPeriods += 1
        guard !isBehind else { return [] }
        var actions: [SessionAction] = []
        for index in subscriptions.indices {
            let repeated = subscriptions[index].window?.expire(period: ackPeriods, after: Policy.ackPeriods)
            if let repeated { actions += again(repeated, at: index) }
        }
        return actions
    }

    // MARK: What there was no room for

    /// A subscription that may get more of what it did not get.
    func indexOfBehind() -> Int? {
        guard hasBehind, ackBudget > policy.maxUnackedBytes / 2 else { return nil }
        return subscriptions.firstIndex { $0.window?.wantsMore == true }
    }

    /// Reads what a subscription did not get.
    mutating func readOn(_ number: UInt32) -> SessionAction {
        guard let index = index(of: number), let place = subscriptions[index].window?.beginReading() else {
            return .none
        }
        let room = subscriptions[index].window?.room ?? 0
        return .history(
            subscriptions[index].destination.channel,
            HistoryQuery(since: place, limit: min(room, STOMPBounds.readAtOnce), maxBytes: ackBudget), id: number)
    }

    /// What it did not get was read.
    mutating func read(id: UInt32, _ result: Result<HistoryPage, BrokerError>) -> SessionAction {
        guard !hasFailed, let index = index(of: id), subscriptions[index].window != nil else { return .none }
        switch result {
        case .failure(let error):
            return fail(STOMPError("messages can't be read: \(error)", .tryAgainLater))
        case .success(let page):
            var budget = ackBudget
            let sent = subscriptions[index].window?.read(page, &budget, period: ackPeriods)
            unackedBytes = policy.maxUnackedBytes - budget
            hasBehind = subscriptions.contains { $0.window?.isBehind == true }
            guard let sent else {
                return fail(STOMPError("what followed was lost before it was acknowledged", .insufficientState))
            }
            let subscription = subscriptions[index]
            return .all(sent.map { .answer(message(subscription, $0.1, $0.0)) })
        }
    }
}

/// An ACK or a NACK.
struct STOMPAcknowledgement: Sendable {
    let id: STOMPAckID
    let isNack: Bool
}
