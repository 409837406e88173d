import NIOCore

/// One Redis whose emitters a node hears, on one of its addresses.
///
/// Several addresses are those of a Redis Cluster, whose nodes hear what is published to any of them: the configured ones, in their order,
/// and behind them those that the cluster knows. Different ones may bring messages and marks in different orders, so all nodes are to be at
/// the first: a loss leads back to it, one that can't be had to the next, and a node that is elsewhere goes on trying the first beside, and
/// moves there once it hears there what is said elsewhere. Lives on one event loop.
final class EmitterSource {
    /// A link to an address.
    typealias Make = (_ address: RedisEndpoint?, _ isSilent: Bool) -> EmitterLink

    private let seeds: [RedisEndpoint]
    private let eventLoop: any EventLoop
    private let make: Make
    private let handler: (EmitterListener.Message) -> Void
    /// Further nodes of the cluster, in an order that all nodes find alike.
    private var others: [RedisEndpoint] = []
    private var link: EmitterLink?
    /// Where ``link`` is; `nil`: the Redis has one address.
    private var address: RedisEndpoint?
    /// Tries since the last address that could be had.
    private var tries = 0
    /// A link to the first address, while ``link`` is at another.
    private var home: EmitterLink?

    /// - Parameters:
    ///   - seeds: those of a cluster; none: the Redis has one address.
    ///   - handler: called with each message.
    init(
        seeds: [RedisEndpoint], eventLoop: any EventLoop, make: @escaping Make,
        handler: @escaping (EmitterListener.Message) -> Void
    ) {
        (self.seeds, self.eventLoop, self.make, self.handler) = (seeds, eventLoop, make, handler)
    }

    func start() { open(0) }

    func stop() {
        link?.stop()
        home?.stop(saysFarewell: false)
        (link, home) = (nil, nil)
    }

    private var addresses: [RedisEndpoint] { seeds + others }

    private func open(_ tries: Int) {
        self.tries = tries
        address = addresses.isEmpty ? nil : addresses[tries % addresses.count]
        let link = make(address, false)
        self.link = link
        link.start(owner: self)
    }

    /// Gives a link up and tries the next address, after a while.
    private func leave(_ lost: EmitterLink, for tries: Int) {
        guard link === lost else { return }
        lost.stop()
        home?.stop(saysFarewell: false)
        home = nil
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.pause) {
            // Stopped meanwhile.
            if bound.value.link != nil { bound.value.open(tries) }
        }
    }

    /// Before the next address is tried.
    private static let pause = TimeAmount.milliseconds(500)
}

extension EmitterSource: EmitterLinkOwner {
    func received(_ message: EmitterListener.Message) { handler(message) }

    func linkHears(_ link: EmitterLink) {
        if link === home {
            // It heard what was said at another address: it is no node that has lost the rest.
            self.link?.stop(saysFarewell: false)
            (self.link, address, home, tries) = (link, seeds.first, nil, 0)
            link.speak()
        } else if let first = seeds.first, address != first, home == nil {
            let link = make(first, true)
            home = link
            link.start(owner: self)
        }
    }

    func linkIsLost(_ link: EmitterLink, wasReady: Bool) {
        guard link === self.link, addresses.count > 1 else { return }
        let (bound, tries) = (NIOLoopBound((self, link), eventLoop: eventLoop), wasReady ? 0 : self.tries + 1)
        // After the link has done what it does now.
        eventLoop.execute { bound.value.0.leave(bound.value.1, for: tries) }
    }

    func found(_ nodes: [RedisEndpoint]) {
        others = nodes.filter { !seeds.contains($0) }.sorted { ($0.host, $0.port) < ($1.host, $1.port) }
    }
}
