import FanfareCore
import FanfareWire
import NIOCore

/// Bytes on their way in: frames, messages, commands.
extension ClientConnection {
    /// Takes what the socket gave.
    func receive(_ bytes: ByteBuffer) {
        switch phase {
        case .opening, .open:
            guard !isBeyondReading else { return lost(.abnormal) }
            reader.feed(bytes)
            // Its last words are all that is left to hear then.
            if phase == .open { drainReader(read: bytes.readableBytes, toTheEnd: isQuiet && waitsForTurn) }
        case .closing:
            // Read on for the peer's close frame, so that its end is clean; anything else is thrown away.
            reader.feed(bytes)
            while let event = reader.next() {
                if case .close = event { closeSocket() }
            }
        case .ended:
            break
        }
    }

    /// Begins commands and handles complete messages: one turn's worth, as long as the client has not too many publishes
    /// under way, and is not too fast.
    ///
    /// - Parameters:
    ///   - bytes: what the socket gave just now.
    ///   - toTheEnd: whether all that was published has its turn now, for the client is gone.
    func drainReader(read bytes: Int = 0, toTheEnd: Bool = false) {
        let now = loop.node.clock.monotonicMicroseconds()
        charge(bytes: bytes, now: now)
        guard !isTurnOver || toTheEnd else { return }
        if toTheEnd { commands.keepPublications() }
        var turn = Turn(isEndless: toTheEnd)
        while mayGoOn(now: now), !turn.isOver, goOn(&turn, now: now) {
            if toTheEnd { commands.keepPublications() }
        }
        guard phase == .open else { return }
        noteThrottle(now: now)
        if turn.isOver { waitForTurn() }
        setPaused(isTurnOver || isThrottled || isHeldUp || pendingCommands >= limits.maxPendingCommands)
        watchMessage(now: now)
    }

    private func mayGoOn(now: UInt64) -> Bool {
        phase == .open && tokens?.isWaiting != true && pendingCommands < limits.maxPendingCommands
    }

    /// Begins the next command, or takes the next message. Returns whether there was one that need not wait.
    private func goOn(_ turn: inout Turn, now: UInt64) -> Bool {
        let isThrottled = throttle.holds(now: now)
        switch commands.next(hasRoom: !isThrottled && hasRoom && pendingCommands == 0) {
        case .perform(let command):
            turn.take(command, withToken: session?.requestToken != nil)
            perform(command)
        case .wait: return false
        case .none:
            guard !isThrottled, let event = reader.next() else { return false }
            if case .message(let payload) = event {
                turn.take(messageBytes: payload.bytes.readableBytes)
            } else {
                turn.take(messageBytes: 0)
            }
            lifeSeen(now: now)
            handle(event, now: now)
        }
        return true
    }

    private func handle(_ event: WebSocketReader.Event, now: UInt64) {
        // What is unfinished after it has begun after it.
        if !reader.isWithinMessage { messageDeadline = nil }
        switch event {
        case .message(let payload):
            loop.metrics.counters.add(.messagesReceived)
            loop.metrics.counters.add(.bytesReceived, payload.bytes.readableBytes)
            if reader.compressedBytes > 0 {
                loop.metrics.counters.add(.compressedBytesReceived, reader.compressedBytes)
                loop.metrics.counters.add(.inflatedBytesReceived, payload.bytes.readableBytes)
            }
            handle(payload, now: now)
        case .ping(let payload):
            guard mayControl(now: now) else { return }
            reply(WebSocketFrame.encode(.pong, payload: payload))
        case .pong:
            _ = mayControl(now: now)
        case .close(let code, _):
            end(.normal, frame: WebSocketFrame.closeAnswer(code))
        case .failure(let disconnect, let reason):
            loop.node.logger.debug("client broke the protocol", metadata: ["reason": "\(reason)"])
            end(disconnect, reason: reason)
        }
    }

    /// Whether one more ping or pong is within the limit; ends the client when it is not.
    private func mayControl(now: UInt64) -> Bool {
        let limit = limits.maxControlFramesPerSecond
        if controlFrames.take(of: Rate(perSecond: limit), now: now) { return true }
        end(.policyViolation, reason: "more than \(limit) pings and pongs in a second")
        return false
    }

    private func handle(_ payload: Payload, now: UInt64) {
        if let raw {
            guard raw.mayPublish else { return end(.permissionDenied) }
            guard payload.bytes.readableBytes <= raw.rules.maxMessageBytes ?? .max else {
                return end(.messageTooBig)
            }
            guard !payload.isNestedTooDeep else { return end(.badRequest, reason: JSONDepth.problem) }
            charge(now: now)
            chargePublication(now: now)
            publish(raw.channel, payload, id: 0)
        } else if session != nil {
            guard payload.kind == .text else { return end(.unsupportedData) }
            handleCommands(payload.bytes, now: now)
        } else {
            echo(payload)
        }
    }

    private func handleCommands(_ message: ByteBuffer, now: UInt64) {
        let commands: [CentrifugeCommand]
        do {
            commands = try CentrifugeJSONDecoder.decode(
                message, maxCommands: limits.maxCommandsPerMessage, maxSubscriptions: limits.maxChannelsPerClient)
        } catch {
            loop.node.logger.debug("client sent a bad command", metadata: ["error": "\(error)"])
            return end(.badRequest)
        }
        charge(commands: commands.count, now: now)
        self.commands.add(commands)
    }

    private func perform(_ command: CentrifugeCommand) {
        if let wait = wait(for: command) { return carryOut { $0.refuseForNow(command, wait: wait) } }
        carryOut { $0.receive(command) }
    }

    /// Gives the session something and does what it says.
    func carryOut(_ body: (inout CentrifugeSession) -> CentrifugeSession.Action) {
        let wasConnected = session?.isConnected == true
        guard let action = session?.change(body) else { return }
        if !wasConnected, session?.isConnected == true { connected() }
        // Consumed, so that a body is sealed in place.
        switch consume action {
        case .none:
            break
        case .reply(let body):
            reply(body)
        case .refuse(let body):
            loop.metrics.counters.add(.commandErrors)
            reply(body)
        case .subscribe(let channel, let wish, let id):
            loop.settle()
            guard phase == .open else { return }
            guard wish == .none || mayRecover else { return subscribeFailed(channel, request: id, .overloaded) }
            if wish != .none { commands.beginRecovery(id) }
            loop.shard.subscribe(self, to: channel, request: id, wish: wish)
        case .unsubscribe(let channel, let replies):
            loop.shard.unsubscribe(self, from: channel)
            for body in replies { reply(body) }
        case .publish(let channel, let payload, let id):
            publish(channel, payload, id: id)
        case .history(let channel, let query, let id):
            read(channel, query, id: id)
        case .presence(let channel, let id):
            readPresence(channel, id: id)
        case .presenceStats(let channel, let id):
            readPresenceStats(channel, id: id)
        case .authenticate(let token, let command):
            authenticate(token, command)
        case .begin(let starts, let id):
            begin(starts, id: id)
        case .disconnect(let disconnect):
            end(disconnect)
        }
    }

    private func read(_ channel: ChannelName, _ query: HistoryQuery, id: UInt32) {
        commands.beginRead()
        let outcomes = loop.outcomes
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        var query = query
        query.maxBytes = min(query.maxBytes, mostAnswerBytes)
        loop.node.broker.history(channel, query) { [query] result in
            outcomes.post(.init(connection: bound, id: id, answer: .read(since: query.since, result)))
        }
    }

    private func publish(_ channel: ChannelName, _ payload: Payload, id: UInt32) {
        pendingCommands += 1
        let publication = Publication(
            channel: channel,
            payload: payload,
            publishedAt: loop.node.clock.wallMicroseconds()
        )
        let outcomes = loop.outcomes
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.node.broker.publish(publication) { result in
            outcomes.post(.init(connection: bound, id: id, answer: .published(result)))
        }
    }

    /// The broker's answer to a command of this client.
    func completed(_ id: UInt32, _ answer: LoopState.Outcome.Answer) {
        if answer.isRead { commands.endRead() } else { pendingCommands -= 1 }
        if case .published(.success) = answer { loop.metrics.counters.add(.publicationsIn) }
        guard phase == .open else { return }
        switch answer {
        case .published(let result):
            if let body = session?.published(id: id, result) {
                reply(body)
            } else if case .failure(let error) = result {
                // The raw protocol has no error message: the publisher is told by the close, its channel's others stay.
                let what = error.outcome == .notPublished ? "refused" : "not confirmed"
                end(.tryAgainLater, reason: "publish \(what): \(error)")
            }
        case .read(let since, let result):
            if let body = session?.read(id: id, since: since, result, maxBytes: limits.maxQueueBytes / 4 * 3) {
                answerRead(consume body)
            }
        case .presence(let result):
            if let body = session?.presence(id: id, result, maxBytes: mostAnswerBytes) { answerRead(consume body) }
        case .presenceStats(let result):
            if let body = session?.presenceStats(id: id, result) { answerRead(body) }
        }
        guard isPaused else { return }
        if answer.isRead {
            waitForTurn()
        } else if pendingCommands < limits.maxPendingCommands / 2 {
            drainReader()
        }
    }

    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        recoveryEnded(request)
        guard onSubscribed != nil || session?.isConnecting == true || takeRecovery(start.size) else {
            loop.shard.unsubscribe(self, from: channel, request: request)
            return subscribeFailed(channel, request: request, .overloaded)
        }
        present(in: channel)
        if let onSubscribed {
            self.onSubscribed = nil
            onSubscribed(.success(start))
        } else if session?.isConnecting == true {
            begun(channel, request, start)
        } else if let body = session?.subscribed(channel, id: request, start) {
            answer(consume body)
            scheduleExpiry()
        }
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {
        if session?.isServerSide(channel) == false, let body = session?.unsubscribed(channel, reason) {
            reply(body)
        } else {
            end(.insufficientState)
        }
    }

    /// What a raw client gets before live traffic; its upgrade is answered.
    func begin(_ start: SubscriptionStart) {
        guard start.isComplete else { return end(.insufficientState) }
        guard let shared = start.shared else {
            for publication in start.publications { answer(loop.node.formats.encode(publication, wireFormat)) }
            return
        }
        // In memory of its own it would be some megabytes for each client.
        answer(shared.frames(last: start.publications.count, wireFormat, loop.node.formats))
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        recoveryEnded(request)
        if let onSubscribed {
            self.onSubscribed = nil
            onSubscribed(.failure(error))
        } else if session?.isConnecting == true {
            // The client can't have what its token promises: another node, or this one later, can give it.
            end(.tryAgainLater, reason: "\(error)")
        } else if let body = session?.subscribeFailed(channel, id: request, error) {
            reply(body)
        }
    }

    /// What a ping is in this client's protocol.
    var pingFrame: ByteBuffer { session == nil ? Self.rawPing : Self.centrifugePing }

    private static let rawPing = WebSocketFrame.encode(.ping, payload: ByteBuffer())
    private static let centrifugePing = framing.seal(CentrifugeJSONEncoder.ping)

    /// Stops or resumes reading the socket, so that TCP holds back a client that publishes faster than the broker takes.
    func setPaused(_ paused: Bool) {
        guard paused != isPaused, let context else { return }
        isPaused = paused
        if !paused { isQuiet = false }
        // What it said meanwhile was not heard: it has all its time anew.
        if !paused { grantLife(now: loop.node.clock.monotonicMicroseconds()) }
        try? context.channel.syncOptions?.setOption(.autoRead, value: !paused)
        if !paused { context.read() }
    }
}
