import FanfareCore
import FanfareWire
import NIOCore

/// Bytes on their way in: frames, messages, commands.
extension ClientConnection {
    /// Takes what the socket gave.
    func receive(_ bytes: ByteBuffer) {
        switch phase {
        case .opening, .open:
            reader.feed(bytes)
            if phase == .open { drainReader() }
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

    /// Handles complete messages as long as the client has not too many publishes under way.
    func drainReader() {
        while phase == .open, pendingPublishes < limits.maxPendingCommands, let event = reader.next() {
            lifeSeen()
            handle(event)
        }
        setPaused(phase == .open && pendingPublishes >= limits.maxPendingCommands)
    }

    private func handle(_ event: WebSocketReader.Event) {
        switch event {
        case .message(let payload):
            loop.metrics.counters.add(.messagesReceived)
            loop.metrics.counters.add(.bytesReceived, payload.bytes.readableBytes)
            handle(payload)
        case .ping(let payload):
            reply(WebSocketFrame.encode(.pong, payload: payload))
        case .pong:
            break
        case .close:
            end(.normal)
        case .failure(let disconnect, let reason):
            loop.node.logger.debug("client broke the protocol", metadata: ["reason": "\(reason)"])
            end(disconnect, reason: reason)
        }
    }

    private func handle(_ payload: Payload) {
        if let raw {
            guard raw.permissions.mayPublish else { return end(.permissionDenied) }
            publish(raw.channel, payload, id: 0)
        } else {
            guard payload.kind == .text else { return end(.unsupportedData) }
            handleCommands(payload.bytes)
        }
    }

    private func handleCommands(_ message: ByteBuffer) {
        let commands: [CentrifugeCommand]
        do {
            commands = try CentrifugeJSONDecoder.decode(message, maxCommands: limits.maxCommandsPerMessage)
        } catch {
            loop.node.logger.debug("client sent a bad command", metadata: ["error": "\(error)"])
            return end(.badRequest)
        }
        for command in commands where phase == .open { perform(command) }
    }

    private func perform(_ command: CentrifugeCommand) {
        let wasConnected = session?.isConnected == true
        guard let action = session?.receive(command) else { return }
        if !wasConnected, session?.isConnected == true {
            startKeepAlive(now: loop.node.clock.monotonicMicroseconds())
        }
        switch action {
        case .none:
            break
        case .reply(let frame):
            reply(frame)
        case .refuse(let frame):
            loop.metrics.counters.add(.commandErrors)
            reply(frame)
        case .subscribe(let channel, let id):
            loop.settle()
            guard phase == .open else { return }
            loop.shard.subscribe(self, to: channel, request: id)
        case .unsubscribe(let channel, let frame):
            loop.shard.unsubscribe(self, from: channel)
            reply(frame)
        case .publish(let channel, let payload, let id):
            publish(channel, payload, id: id)
        case .disconnect(let disconnect):
            end(disconnect)
        }
    }

    private func publish(_ channel: ChannelName, _ payload: Payload, id: UInt32) {
        pendingPublishes += 1
        let publication = Publication(
            channel: channel,
            payload: payload,
            publishedAt: loop.node.clock.wallMicroseconds()
        )
        let outcomes = loop.outcomes
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.node.broker.publish(publication) { result in
            outcomes.post(.init(connection: bound, id: id, result: result))
        }
    }

    /// The broker's answer to a publish of this client.
    func published(_ id: UInt32, _ result: Result<PublishReceipt, BrokerError>) {
        pendingPublishes -= 1
        if case .success = result { loop.metrics.counters.add(.publicationsIn) }
        guard phase == .open else { return }
        if let frame = session?.published(id: id, result) {
            reply(frame)
        } else if case .failure(let error) = result {
            // The raw protocol has no error message: the publisher is told by the close, its channel's others stay.
            end(.tryAgainLater, reason: "publish refused: \(error)")
        }
        if isPaused, pendingPublishes < limits.maxPendingCommands / 2 { drainReader() }
    }

    func subscribed(_ channel: ChannelName, request: UInt32) {
        if let onSubscribed {
            self.onSubscribed = nil
            onSubscribed(.success(()))
        } else if let frame = session?.subscribed(channel, id: request) {
            reply(frame)
        }
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        if let onSubscribed {
            self.onSubscribed = nil
            onSubscribed(.failure(error))
        } else if let frame = session?.subscribeFailed(channel, id: request, error) {
            reply(frame)
        }
    }

    /// What a ping is in this client's protocol.
    var pingFrame: ByteBuffer {
        session == nil ? WebSocketFrame.encode(.ping, payload: ByteBuffer()) : CentrifugeJSONEncoder.ping
    }

    /// Stops or resumes reading the socket, so that TCP holds back a client that publishes faster than the broker takes.
    private func setPaused(_ paused: Bool) {
        guard paused != isPaused, let context else { return }
        isPaused = paused
        try? context.channel.syncOptions?.setOption(.autoRead, value: !paused)
        if !paused { context.read() }
    }
}
