import FanfareCore
import FanfareWire

/// Slots that move, and nodes that come and go.
extension ClusterBroker {

    /// Takes a map that a node told.
    func take(_ map: ClusterMap) {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.problem = nil
            let actions = state.machine.take(map)
            for endpoint in map.masters { prepare(endpoint, &state) }
            carry(actions, &state)
            for endpoint in Array(state.nodes.keys) where !map.masters.contains(endpoint) { retire(endpoint, &state) }
        }
    }

    /// A node said that a slot is not its own, or not now. Returns what that means; `nil`: it said something else.
    func redirected(_ words: String, by endpoint: RedisEndpoint) -> ClusterRedirect? {
        guard let redirect = ClusterRedirect(words, from: endpoint) else { return nil }
        if case .moved(let slot, let owner) = redirect {
            state.withLock { state in
                guard !state.isStopped, let actions = state.machine.move(slot, to: owner) else { return }
                prepare(owner, &state)
                carry(actions, &state)
            }
        }
        requestMap()
        return redirect
    }

    func carryOut(_ actions: [ClusterStateMachine.Action], _ state: inout State) {
        for action in actions {
            switch action {
            case .subscribe(let channel, let receiver, let ticket, let endpoint):
                state.nodes[endpoint]?.broker.subscribe(channel, receiver: receiver, ticket: ticket)
            case .unsubscribe(let channel, let receiver, let endpoint):
                state.nodes[endpoint]?.broker.unsubscribe(channel, receiver: receiver)
            case .adopt(let channel, let receivers, let position, let endpoint):
                state.nodes[endpoint]?.broker.adopt(channel, receivers: receivers, position: position)
            case .refuse(let channel, let receiver, let ticket):
                state.receivers[receiver].post(.subscribeFailed(channel, ticket: ticket, .unavailable))
            }
        }
    }

    private func carry(_ actions: [ClusterStateMachine.Action], _ state: inout State) {
        guard !actions.isEmpty else { return }
        state.movingUntil = clock.monotonicMicroseconds() &+ RedisBounds.moveWindow.microseconds
        carryOut(actions, &state)
    }

    /// There is a broker for that master, and its probe has a name that the master owns.
    private func prepare(_ endpoint: RedisEndpoint, _ state: inout State) {
        let map = state.machine.map
        func isOwned(_ slot: Int) -> Bool { map[slot] == endpoint }
        if let tag = state.nodes[endpoint]?.probeTag {
            guard !isOwned(HashSlot.slot(of: tag.utf8)), let tag = HashSlot.tag(where: isOwned) else { return }
            state.nodes[endpoint]?.probeTag = tag
            state.nodes[endpoint]?.broker.setProbe(tag: tag)
        } else if let tag = HashSlot.tag(where: isOwned) {
            state.nodes[endpoint] = makeNode(endpoint, tag: tag, receivers: state.receivers.count)
        }
    }

    private func retire(_ endpoint: RedisEndpoint, _ state: inout State) {
        guard let node = state.nodes.removeValue(forKey: endpoint) else { return }
        state.retiredCount += 1
        let number = state.retiredCount
        state.retired[number] = Task { [weak self] in
            await node.broker.shutdown()
            self?.state.withLock { $0.retired[number] = nil }
        }
    }
}
