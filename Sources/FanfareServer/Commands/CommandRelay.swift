import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore
import Synchronization

/// Brings what backends want done with clients to where the clients are: by its id to the event loop of one client, for it says where
/// that is; by user to all loops of all nodes. This node is asked as all others are, so that there is one deadline. Any thread.
final class CommandRelay: Sendable {
    /// What became of a command in the cluster.
    struct Outcome: Sendable {
        var count = CommandCount()
        /// Nodes that did it.
        var nodes = 0
        /// Names of nodes that did not say so, or said that they can't. They may have done it.
        var silent: [String] = []
        /// Names of nodes of an older version that don't know the command.
        var unable: [String] = []
        /// Whether nodes may be there of which this one has not heard yet. They did it all the same, if they heard it.
        var isEarly = false
    }

    private struct State {
        var loops: [Int: Mailbox<ClientCommands.Request>] = [:]
        var rooms: [Int: Mailbox<ClientCommands.Request>] = [:]
        var bus: ControlBus?
    }

    private let node: NodeID
    private let state = Mutex(State())

    init(node: NodeID) { self.node = node }

    /// - Parameters:
    ///   - mailbox: takes what the API wants.
    ///   - rooms: takes what emitters want.
    func add(
        _ mailbox: Mailbox<ClientCommands.Request>, rooms: Mailbox<ClientCommands.Request>, loop: Int
    ) {
        state.withLock { ($0.loops[loop], $0.rooms[loop]) = (mailbox, rooms) }
    }

    /// Before the bus is started: from then on other nodes may send.
    func connect(_ bus: ControlBus) {
        state.withLock { $0.bus = bus }
        for command in ControlCommand.forClients {
            bus.handle(command) { [weak self] request, answer in
                guard let self,
                    let (command, target) = CommandMessage.read(request.command, request.fields, request.body)
                else { return answer(ControlAnswer(.failed)) }
                perform(command, target) { answer($0.map(CommandMessage.answer) ?? ControlAnswer(.busy)) }
            }
        }
    }

    /// Has a command carried out wherever clients are that it is for.
    ///
    /// - Parameter completion: called once, on any thread. An error says that nothing was done.
    func send(
        _ command: ClientCommand, to target: CommandTarget,
        completion: @escaping @Sendable (Result<Outcome, ControlError>) -> Void
    ) {
        guard let bus = state.withLock(\.bus) else { return completion(.failure(.unavailable)) }
        let (name, fields, body) = CommandMessage.write(command, target)
        guard let client = target.client else {
            let isEarly = bus.isYoung
            return bus.survey(name, fields: fields, body: body) { [weak bus] result in
                completion(
                    result.map {
                        var outcome = Self.outcome($0.answers, $0.missing, bus)
                        outcome.isEarly = isEarly
                        return outcome
                    })
            }
        }
        bus.request(name, fields: fields, body: body, to: client.node) { [weak bus] result in
            switch result {
            case .success(let answer): completion(.success(Self.outcome([answer], [], bus)))
            // Not in view: it stopped, and its clients went with it, or it is cut off from the broker and nobody can reach it.
            case .failure(.unknownNode): completion(.success(Outcome()))
            case .failure(.deaf): completion(.success(Self.outcome([], [client.node], bus)))
            case .failure(.refused(.unknownCommand)):
                completion(.success(Self.outcome([], [], unable: [client.node], bus)))
            case .failure(.timeout), .failure(.gone), .failure(.refused):
                completion(.success(Self.outcome([], [client.node], bus)))
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    /// Has what an emitter wants done to the clients of this node; each node hears emitters by itself.
    ///
    /// - Returns: whether all event loops took it.
    func perform(_ command: RoomCommand) -> Bool {
        let loops = state.withLock { Array($0.rooms.values) }
        var isTaken = true
        for loop in loops {
            let request = ClientCommands.Request(work: .rooms(command)) { _ in }
            if !loop.post(contentsOf: [request], weight: command.cost, limit: CommandBounds.waitingRooms) {
                isTaken = false
            }
        }
        return isTaken
    }

    /// Ends a client of this node.
    func end(_ client: ClientID, _ disconnect: Disconnect) {
        guard let target = CommandTarget(user: nil, client: client) else { return }
        perform(.disconnect(disconnect), target) { _ in }
    }

    private static func outcome(
        _ answers: [ControlAnswer], _ missing: Set<NodeID>, unable: Set<NodeID> = [], _ bus: ControlBus?
    ) -> Outcome {
        var (outcome, silent, unable) = (Outcome(), missing, unable)
        for answer in answers {
            if let count = CommandMessage.count(answer) {
                outcome.count += count
                outcome.nodes += 1
            } else if let node = answer.node {
                if answer.status == .unknownCommand { unable.insert(node) } else { silent.insert(node) }
            }
        }
        guard !silent.isEmpty || !unable.isEmpty else { return outcome }
        let nodes = bus?.nodes ?? []
        func names(_ ids: Set<NodeID>) -> [String] {
            let known = nodes.filter { ids.contains($0.id) }.map(\.name.string)
            let gone = ids.count - known.count
            return known + (gone > 0 ? ["\(gone) that stopped meanwhile"] : [])
        }
        (outcome.silent, outcome.unable) = (names(silent), names(unable))
        return outcome
    }

    /// On this node.
    ///
    /// - Parameter completion: is given `nil` where an event loop did not take it.
    private func perform(
        _ command: ClientCommand, _ target: CommandTarget, completion: @escaping @Sendable (CommandCount?) -> Void
    ) {
        let loops = state.withLock { state -> [Mailbox<ClientCommands.Request>] in
            guard let client = target.client else { return Array(state.loops.values) }
            return client.node == node ? state.loops[client.loop].map { [$0] } ?? [] : []
        }
        guard !loops.isEmpty else { return completion(CommandCount()) }
        let counts = CommandCounts(loops.count, completion)
        for loop in loops {
            let request = ClientCommands.Request(work: .command(command, target)) { counts.note($0) }
            guard loop.post(contentsOf: [request], weight: command.cost, limit: CommandBounds.waiting) else {
                counts.note(nil)
                continue
            }
        }
    }
}

/// Adds up what event loops say, in whatever order.
private final class CommandCounts: Sendable {
    private struct State {
        var missing: Int
        var count: CommandCount? = CommandCount()
    }

    private let state: Mutex<State>
    private let completion: @Sendable (CommandCount?) -> Void

    init(_ missing: Int, _ completion: @escaping @Sendable (CommandCount?) -> Void) {
        state = Mutex(State(missing: missing))
        self.completion = completion
    }

    /// - Parameter count: `nil`: a loop did not take it.
    func note(_ count: CommandCount?) {
        let result = state.withLock { state -> (isLast: Bool, count: CommandCount?) in
            state.missing -= 1
            if let count { state.count? += count } else { state.count = nil }
            return (state.missing == 0, state.count)
        }
        if result.isLast { completion(result.count) }
    }
}
