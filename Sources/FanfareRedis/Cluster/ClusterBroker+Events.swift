import FanfareCore
import FanfareWire

/// From the nodes' brokers to the receivers.
extension ClusterBroker {
    /// Takes what a node's broker posted for a receiver and hands on what is the receiver's to know. On the event loop of
    /// the node's subscribing link; under the lock, so that a channel's order holds over a move.
    func relay(from endpoint: RedisEndpoint, receiver: Int) {
        state.withLock { state in
            guard let node = state.nodes[endpoint] else { return }
            let isMoving = state.movingUntil > clock.monotonicMicroseconds()
            var (events, weight) = ([BrokerEvent](), 0)
            for event in node.mailboxes[receiver].take() {
                switch event {
                case .publication(let prepared):
                    let publication = prepared.publication
                    let isTheirs =
                        if let place = publication.position {
                            state.book.brought(
                                publication.channel, receiver: receiver, place, goesOn: false, by: endpoint)
                        } else {
                            !isMoving || state.book.home(of: publication.channel) == endpoint
                        }
                    guard isTheirs else {
                        metrics.counters.addShared(.dropped)
                        continue
                    }
                    weight += publication.payload.bytes.readableBytes + BrokerEvent.overhead
                case .subscribed(let channel, let ticket, let position):
                    guard
                        state.book.answered(
                            channel, receiver: receiver, ticket: ticket, position: position, by: endpoint)
                    else { continue }
                case .subscribeFailed(let channel, let ticket, _):
                    guard state.book.refused(channel, receiver: receiver, ticket: ticket, by: endpoint) else {
                        continue
                    }
                case .insufficient(let channel, let position):
                    guard state.book.brought(channel, receiver: receiver, position, goesOn: true, by: endpoint) else {
                        continue
                    }
                case .presence(let prepared):
                    guard !isMoving || state.book.home(of: prepared.event.channel) == endpoint else { continue }
                    weight += BrokerEvent.overhead
                default:
                    break
                }
                events.append(event)
            }
            post(events, weight: weight, to: state.receivers[receiver])
        }
    }

    private func post(_ events: [BrokerEvent], weight: Int, to mailbox: Mailbox<BrokerEvent>) {
        guard !events.isEmpty,
            !mailbox.post(contentsOf: events, weight: weight, limit: configuration.maxBacklogBytes)
        else { return }
        // The event loop is too far behind: publications are lost, answers are not.
        for event in events {
            switch event {
            case .publication, .presence: metrics.counters.addShared(.dropped)
            default: mailbox.post(event)
            }
        }
    }
}
