import FanfareCore
import FanfareWire
import NIOCore

/// What goes out: subscriptions in batches, in a Redis Cluster slot by slot, and what a node says that does not own one.
extension SubscriberLink {
    func sendCommands() {
        let commands = subscriptions.takeCommands(batch: configuration.subscribeBatch)
        guard !commands.isEmpty else { return }
        var bytes = ByteBuffer()
        for command in commands {
            let (isSubscribe, channels) =
                switch command {
                case .subscribe(let channels): (true, channels)
                case .unsubscribe(let channels): (false, channels)
                }
            write(isSubscribe, channels, into: &bytes)
        }
        link.write(bytes)
        countChannels(subscriptions.wantedCount)
    }

    func write(_ isSubscribe: Bool, _ channels: [ChannelName], into bytes: inout ByteBuffer) {
        let kind = configuration.pubSub
        let verb = isSubscribe ? kind.subscribe : kind.unsubscribe
        let affixes = kind.affixes(configuration.channelPrefix)
        func write(_ channels: [ChannelName]) {
            RedisCommand.write([verb] + channels.map { affixes.before + $0.string + affixes.after }, into: &bytes)
        }
        guard kind == .sharded else { return write(channels) }
        for (slot, channels) in ShardedCommands.bySlot(channels) {
            sharded.add(isSubscribe: isSubscribe, slot: slot, channels)
            write(channels)
        }
    }

    func subscribeProbe() {
        guard link.isReady else { return }
        var bytes = ByteBuffer()
        let name = probe.name
        RedisCommand.write([configuration.pubSub.subscribe, name], into: &bytes)
        if configuration.pubSub == .sharded { sharded.add(isSubscribe: true, slot: HashSlot.slot(of: name.utf8), []) }
        link.write(bytes)
    }

    /// A node of a cluster does not own a slot: what it refused is asked for again in a second, and before that by the
    /// broker at the slot's owner.
    func isRedirect(_ words: String) -> Bool {
        guard ClusterRedirect(words, from: RedisEndpoint(host: "", port: 0)) != nil else { return false }
        for channel in sharded.refused(words) { subscriptions.refused(channel) }
        onRedirect(words)
        guard !isRetrying else { return true }
        isRetrying = true
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        link.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.retry() }
        return true
    }

    /// A node that loses a slot ends its subscriptions unasked. Asked again, it says where the slot went.
    func unsubscribed(_ name: UnsafeRawBufferPointer) {
        if probe.isName(name) {
            probe.setHeard(false)
            subscribeProbe()
        } else if let channel = channel(name), !sharded.unsubscribed(channel) {
            subscriptions.ended(channel)
            sendCommands()
        } else {
            return
        }
        onRedirect(ClusterRedirect.slotLeft)
    }

    func retry() {
        isRetrying = false
        guard link.isReady else { return }
        subscriptions.retry()
        if !probe.isHeard { subscribeProbe() }
        sendCommands()
        noteSynchronized()
    }

    func countChannels(_ count: Int) {
        metrics.counters.addShared(.channels, count - countedChannels)
        countedChannels = count
    }
}
