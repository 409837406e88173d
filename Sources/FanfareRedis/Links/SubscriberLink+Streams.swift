import FanfareCore
import FanfareWire
import NIOCore

/// Channels with history: their answers wait for a position, and what Pub/Sub did not bring is read.
extension SubscriberLink {
    /// The other link is there: streams that it could not read are read now.
    func retryReads() {
        guard link.isReady else { return }
        followed.retry()
        passOn()
    }

    /// Takes the answers to reads that came since the last visit.
    func visitPages() {
        for answer in pages.take() { perform(followed.answered(answer)) }
        sendCommands()
        passOn()
    }

    /// Redis confirmed a SUBSCRIBE: who waited has its channel, where there is history with a position.
    func confirmed(_ channel: ChannelName) {
        let answers = subscriptions.confirmed(channel)
        guard rules.rules(channel)?.history != nil else {
            for answer in answers { gather(answer) }
            return
        }
        if subscriptions.isInForce(channel) { followed.confirmed(channel, answers.compactMap(\.waiter)) }
    }

    /// A wish that needs no command.
    func answered(_ answer: SubscriptionStateMachine.Answer) {
        guard case .subscribed(let channel, _, _) = answer.event, rules.rules(channel)?.history != nil,
            let waiter = answer.waiter
        else { return gather(answer) }
        if let action = followed.join(channel, waiter) { perform([action]) }
    }

    func leave(_ channel: ChannelName, receiver: Int) {
        subscriptions.unsubscribe(channel, receiver: receiver)
        followed.leave(channel, receiver: receiver)
        guard subscriptions.receivers(of: channel) == 0 else { return }
        followed.forget(channel)
        losses.forget(channel)
    }

    func perform(_ actions: [FollowedStreams.Action]) {
        for action in actions {
            switch action {
            case .deliver(let publication):
                deliver(publication)
            case .repaired(let publication):
                deliver(publication, isRepaired: true)
            case .insufficient(let channel, let position):
                everyone(in: channel) { bursts[$0].append(.insufficient(channel, position: position)) }
            case .subscribed(let channel, let waiter, let position):
                bursts[waiter.receiver].append(
                    .subscribed(channel, ticket: waiter.ticket, position: position))
            case .failed(let channel, let waiter, let error):
                bursts[waiter.receiver].append(.subscribeFailed(channel, ticket: waiter.ticket, error))
                leave(channel, receiver: waiter.receiver)
            }
        }
    }

    /// Once a second: what failed is tried again, and a part of the channels is held against its streams.
    func startChecks() {
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let parts = max(1, Int(configuration.positionCheckInterval.components.seconds))
        let period = TimeAmount.microseconds(
            Int64(configuration.positionCheckInterval.microseconds) / Int64(parts))
        checks = link.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            bound.value.followed.check(parts: parts)
            bound.value.retryReads()
        }
    }
}
