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
            var events: [BrokerEvent] = []
            for event in node.mailboxes[receiver].take() {
                switch event {
                case .publication(let prepared):
                    let publication = prepared.publication
                    let isTheirs =
                        if let place = publication.position {
                            state.machine.brought(
                                publication.channel, receiver: receiver, place, goesOn: false, by: endpoint)
                        } else {
                            !isMoving || state.machine.home(of: publication.channel) == endpoint
                        }
                    // Left a moment ago, or brought by the slot's other owner as well.
                    guard isTheirs else { continue }
                case .subscribed(let channel, let ticket, let position):
                    guard
                        state.machine.answered(
                            channel, receiver: receiver, ticket: ticket, position: position, by: endpoint)
                    else { continue }
                case .subscribeFailed(let channel, let ticket, _):
                    guard state.machine.refused(channel, receiver: receiver, ticket: ticket, by: endpoint) else {
                        continue
                    }
                case .insufficient(let channel, let position):
                    guard state.machine.brought(channel, receiver: receiver, position, goesOn: true, by: endpoint)
                    else {
                        continue
                    }
                case .presence(let prepared):
                    guard !isMoving || state.machine.home(of: prepared.event.channel) == endpoint else { continue }
                default:
                    break
                }
                events.append(event)
            }
            state.receivers[receiver].post(events, limit: configuration.maxBacklogBytes, metrics: metrics)
        }
    }
}
