import FanfareCore
import FanfareProtocols
import FanfareWire

/// What backends want done with the clients of one event loop: finds the clients, has it done to some of them at a time, and answers
/// when all subscriptions that it asked for are in force or refused. Lives on its loop; others post into its mailbox.
final class ClientCommands {
    /// A command from whichever node the backend asked.
    struct Request: Sendable {
        enum Work: Sendable {
            case command(ClientCommand, CommandTarget)
            /// For all clients of some rooms; nobody waits for its subscriptions.
            case rooms(RoomCommand)

            /// Units of a visit for each client.
            var cost: Int {
                switch self {
                case .command(let command, _): command.cost
                case .rooms(let command): command.cost
                }
            }
        }

        let work: Work
        /// Called once, on the loop.
        let answer: @Sendable (CommandCount) -> Void
    }

    /// One that is under way.
    private final class Run {
        let work: Request.Work
        /// Those that have not been commanded yet, the last first.
        var clients: [Client] = []
        /// Channels whose clients have not been listed yet, the last first.
        var channels: [ChannelName] = []
        /// Whom it is for, where it is for rooms: clients that it found have it, so that each is commanded once.
        let stamp: UInt32
        let answer: (CommandCount) -> Void
        var count = CommandCount()
        /// Subscriptions that are on their way.
        var waiting = 0

        init(_ request: Request, stamp: UInt32) { (work, answer, self.stamp) = (request.work, request.answer, stamp) }

        /// Whether all clients have been commanded.
        var isOver: Bool { clients.isEmpty && channels.isEmpty }

        /// Whether clients shall get what they missed.
        var recovers: Bool {
            if case .command(.subscribe(let wanted), _) = work { wanted.since != nil } else { false }
        }

        /// Answers, if all has been done.
        func finish() { if isOver, waiting == 0 { answer(count) } }
    }

    /// A command that waits for a subscription.
    private struct Note {
        let channel: ChannelName
        let run: Run
        /// Whether it made the subscription. Others find it on its way, and take it as it comes.
        var isOwn = true
    }

    let mailbox: Mailbox<Request>
    /// The same of what emitters want.
    let rooms: Mailbox<Request>
    private let metrics: LoopMetrics
    /// Those that have not begun. While some are left nothing is taken, so that the mailbox's bound holds.
    private var requests: MailboxReader<Request>
    private var roomRequests: MailboxReader<Request>
    private var stamp: UInt32 = 0
    /// What a backend wants first is done first: one at a time has its clients listed.
    private var run: Run?
    /// Subscriptions that are on their way, by client.
    private var subscriptions: [ObjectIdentifier: [Note]] = [:]
    /// Whether there is more to do.
    private(set) var isBusy = false

    init(metrics: LoopMetrics, wake: @escaping @Sendable () -> Void) {
        self.metrics = metrics
        mailbox = Mailbox(wake: wake)
        rooms = Mailbox(wake: wake)
        requests = MailboxReader(mailbox)
        roomRequests = MailboxReader(rooms)
    }

    /// Does what was posted, as far as one visit goes.
    ///
    /// - Parameter members: the clients that have a channel, each once or more.
    func visit(_ directory: ClientDirectory<Client>, members: (ChannelName) -> [Client]) {
        var left = CommandBounds.visit
        isBusy = true
        defer {
            let (sawCommands, sawRooms) = (requests.end(), roomRequests.end())
            isBusy = !sawCommands || !sawRooms || run != nil
        }
        while left > 0 {
            guard let run = run ?? begin(directory, &left) else { return }
            // Its last client is taken out when that is done: until then the command has no answer.
            while left > 0, !run.isOver {
                guard let client = run.clients.last else {
                    list(run, members, &left)
                    continue
                }
                left -= run.work.cost
                perform(run, client)
                run.clients.removeLast()
            }
            guard run.isOver else { return }
            self.run = nil
            run.finish()
        }
    }

    /// What the API wants comes first: there is somebody who waits for its answer.
    private func begin(_ directory: ClientDirectory<Client>, _ left: inout Int) -> Run? {
        guard let request = requests.next() ?? roomRequests.next() else { return nil }
        stamp &+= 1
        let run = Run(request, stamp: stamp)
        switch request.work {
        case .command(let command, let target): run.clients = Self.clients(command, target, directory)
        case .rooms(let command): run.channels = command.channels.reversed()
        }
        // Also one that finds nobody is a look into the directory.
        left -= 1 + run.clients.count / CommandBounds.listed
        self.run = run
        return run
    }

    /// Lists the clients of the next channel that are not known from one before.
    private func list(_ run: Run, _ members: (ChannelName) -> [Client], _ left: inout Int) {
        guard let channel = run.channels.popLast() else { return }
        let clients = members(channel)
        left -= 1 + clients.count / CommandBounds.listed
        for client in clients where client.commandStamp != run.stamp {
            client.commandStamp = run.stamp
            run.clients.append(client)
        }
    }

    private static func clients(
        _ command: ClientCommand, _ target: CommandTarget, _ directory: ClientDirectory<Client>
    ) -> [Client] {
        let (user, id) = (target.user, target.client)
        let clients =
            if let id {
                directory[ExactText(id.description)].map { user == nil || $0.session.user == user ? [$0] : [] } ?? []
            } else {
                user.map { directory.clients(of: $0) } ?? []
            }
        guard case .disconnect(_, _, let except) = command, !except.isEmpty else { return clients }
        let staying = Set(except.map { ExactText($0.description) })
        return clients.filter { client in client.session.clientID.map { !staying.contains($0) } ?? true }
    }

    private func perform(_ run: Run, _ client: Client) {
        guard client.isOpen else { return }
        switch run.work {
        case .command(let command, _): perform(run, command, client)
        case .rooms(let command): if client.carryOut(command) { run.count.done += 1 }
        }
    }

    private func perform(_ run: Run, _ command: ClientCommand, _ client: Client) {
        if case .subscribe(let wanted) = command {
            // Before it begins: it may be in force at once, or the client at its end.
            guard note(run, client, wanted.channel) else {
                run.count.failed += 1
                return
            }
        }
        switch client.carryOut(command) {
        case .begun?: break
        case .awaited?: follow(client)
        case .full?: counted(run, client) { $0.full += 1 }
        case .done?:
            counted(run, client) { $0.done += 1 }
            metrics.counters.add(command.counter)
        case .unchanged?: counted(run, client) { $0.done += 1 }
        case .unsupported?, nil: counted(run, client) { _ in }
        }
    }

    /// A command is carried out, and waits for no subscription.
    private func counted(_ run: Run, _ client: Client, _ count: (inout CommandCount) -> Void) {
        if case .command(.subscribe, _) = run.work, let note = withdraw(client) { note.run.waiting -= 1 }
        count(&run.count)
    }
}

/// Subscriptions that are on their way.
extension ClientCommands {
    /// Returns whether another command may wait for this subscription.
    private func note(_ run: Run, _ client: Client, _ channel: ChannelName) -> Bool {
        let id = ObjectIdentifier(client)
        let others = subscriptions[id]?.count { $0.channel == channel } ?? 0
        guard others < CommandBounds.followers else { return false }
        subscriptions[id, default: []].append(Note(channel: channel, run: run))
        run.waiting += 1
        return true
    }

    /// The newest note of a client is of a subscription that was on its way before.
    private func follow(_ client: Client) {
        guard var note = withdraw(client) else { return }
        note.isOwn = false
        subscriptions[ObjectIdentifier(client), default: []].append(note)
    }

    /// Takes the newest note of a client.
    private func withdraw(_ client: Client) -> Note? {
        let id = ObjectIdentifier(client)
        let note = subscriptions[id]?.popLast()
        if subscriptions[id]?.isEmpty == true { subscriptions[id] = nil }
        return note
    }

    /// Takes all notes of a client's subscription; `nil`: of all its subscriptions.
    private func take(_ client: Client, _ channel: ChannelName?) -> [Note] {
        guard !subscriptions.isEmpty, let own = subscriptions[ObjectIdentifier(client)] else { return [] }
        let rest = channel.map { channel in own.filter { $0.channel != channel } } ?? []
        subscriptions[ObjectIdentifier(client)] = rest.isEmpty ? nil : rest
        return channel.map { channel in own.filter { $0.channel == channel } } ?? own
    }

    /// A subscription is in force, whoever wanted it.
    ///
    /// - Parameter isWhole: whether the client gets all that it missed.
    func subscribed(_ client: Client, _ channel: ChannelName, isWhole: Bool) {
        for note in take(client, channel) {
            let run = note.run
            run.waiting -= 1
            run.count.done += 1
            if note.isOwn {
                if case .command(let command, _) = run.work { metrics.counters.add(command.counter) }
                if run.recovers, !isWhole { run.count.lost += 1 }
            }
            run.finish()
        }
    }

    /// A subscription has ended or could not be had.
    func ended(_ client: Client, _ channel: ChannelName) { fail(take(client, channel)) }

    /// A client has ended.
    func left(_ client: Client) { fail(take(client, nil)) }

    private func fail(_ notes: [Note]) {
        for note in notes {
            note.run.waiting -= 1
            note.run.count.failed += 1
            note.run.finish()
        }
    }
}

extension ClientCommand {
    /// What counts the clients for which it was carried out.
    fileprivate var counter: LoopCounter {
        switch self {
        case .subscribe: .commandedSubscribes
        case .unsubscribe: .commandedUnsubscribes
        case .disconnect: .commandedDisconnects
        case .refresh: .commandedRefreshes
        }
    }
}
