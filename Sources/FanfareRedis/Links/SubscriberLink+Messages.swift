import FanfareCore
import FanfareWire
import NIOCore

/// What comes in: messages of Redis become publications, and publications events for the event loops.
extension SubscriberLink {
    func message(_ name: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) {
        let limit = configuration.maxPayloadBytes + Envelope.maximumHeaderBytes
        guard bytes.count <= limit + Envelope.fieldBytes(bytes) || isControl(name, bytes.count) else {
            return metrics.counters.addShared(.dropped)
        }
        var skippedFields = 0
        let envelope = Envelope.read(bytes, skippedFields: &skippedFields)
        metrics.noteSkipped(fields: skippedFields)
        switch envelope {
        case .probe(let number) where probe.isName(name):
            guard let took = probe.answered(number) else { return }
            metrics.counters.addShared(.probesAnswered)
            metrics.probeRoundTrip.recordShared(microseconds: Int(truncatingIfNeeded: took))
            linkStates.set(.probe, nil)
        case .publication(let payload, let acceptedAt, let metadata):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            received(
                Publication(channel: channel, payload: payload, publishedAt: acceptedAt, metadata: metadata))
        case .numbered(let payload, let acceptedAt, let number, let metadata):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            let lost = losses.take(number, in: channel, isHeard: subscriptions.receivers(of: channel) != 0)
            if lost > 0, !channel.isReserved { metrics.counters.addShared(.lost, lost) }
            received(
                Publication(channel: channel, payload: payload, publishedAt: acceptedAt, metadata: metadata))
        case .positioned(let payload, let acceptedAt, let position, let metadata):
            guard let channel = channel(name) else { return metrics.counters.addShared(.dropped) }
            received(
                Publication(
                    channel: channel, payload: payload, publishedAt: acceptedAt, position: position, metadata: metadata)
            )
        case .presence(let kind, let info):
            // Who may publish into Redis does not decide who hears of others: the channel's rules do.
            guard let channel = channel(name), rules.rules(channel)?.joinLeave == true else {
                return metrics.counters.addShared(.dropped)
            }
            presence(PresenceEvent(channel: channel, kind: kind, info: info))
        default:
            metrics.counters.addShared(.dropped)
        }
    }

    func presence(_ event: PresenceEvent) {
        metrics.counters.addShared(.presenceEvents)
        guard subscriptions.receivers(of: event.channel) != 0 else { return }
        let prepared = PreparedPresenceEvent(event, formats: formats)
        everyone(in: event.channel) { receiver in
            bursts[receiver].append(.presence(prepared))
        }
    }

    func received(_ publication: Publication) {
        guard !publication.channel.isReserved else { return deliver(publication) }
        metrics.counters.addShared(.received)
        if publication.publishedAt != 0 {
            metrics.lag.recordShared(microseconds: Int(truncatingIfNeeded: now() &- publication.publishedAt))
        }
        guard let place = publication.position else { return deliver(publication) }
        if let action = followed.publication(publication, at: place) { perform([action]) }
    }

    /// The time of this burst: the clock costs as much as a delivery.
    func now() -> UInt64 {
        let now = burstAt ?? clock.wallMicroseconds()
        burstAt = now
        return now
    }

    /// - Parameter isRepaired: whether it was read from the stream, because Pub/Sub had not brought it.
    func deliver(_ publication: Publication, isRepaired: Bool = false) {
        // What was under way when its channel was left is nobody's loss.
        guard subscriptions.receivers(of: publication.channel) != 0 else { return }
        let prepared = PreparedPublication(
            publication, formats: formats, receivedAt: now(), isRepaired: isRepaired)
        everyone(in: publication.channel) { receiver in
            bursts[receiver].append(.publication(prepared))
        }
    }

    func everyone(in channel: ChannelName, _ body: (Int) -> Void) {
        var mask = subscriptions.receivers(of: channel)
        while mask != 0 {
            body(mask.trailingZeroBitCount)
            mask &= mask - 1
        }
    }

    /// Whether it is a message from node to node within the bound of these.
    private func isControl(_ name: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        channel(name)?.isReserved == true && count <= ControlBounds.messageBytes + Envelope.maximumHeaderBytes
    }

    func channel(_ name: UnsafeRawBufferPointer) -> ChannelName? {
        names.name(name, prefix: prefix, suffix: suffix)
    }

    func gather(_ answer: SubscriptionStateMachine.Answer) { bursts[answer.receiver].append(answer.event) }

    /// One post, and so one wake-up at most, for each event loop that something came for.
    func post() {
        for (index, burst) in bursts.enumerated() where !burst.isEmpty {
            receivers[index].post(burst, limit: configuration.maxBacklogBytes, metrics: metrics)
            bursts[index].removeAll(keepingCapacity: burst.count <= 1_024)
        }
    }
}
