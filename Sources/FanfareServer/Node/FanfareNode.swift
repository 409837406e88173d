import FanfareCore
import FanfareProtocols
import FanfareRedis
import FanfareWire
import Logging
import NIOCore
import NIOPosix

/// One node: listener, hub, broker, admin port, from start to drained end.
public final class FanfareNode: Sendable {
    let context: NodeContext
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<LoopState>]
    private let listener: PublicListener
    private let admin: RunningAdmin
    private let control: RunningControl
    private let emitters: EmitterRelay?

    /// The public port that is bound.
    public var port: Int { listener.port }
    /// The admin port that is bound.
    public var adminPort: Int { admin.port }

    /// Starts a node. Without a broker that answers it starts all the same and is not ready.
    ///
    /// - Throws: when a port can't be bound; the error names it.
    public static func start(
        configuration: NodeConfiguration,
        clock: NodeClock = .system,
        logger: Logger
    ) async throws -> FanfareNode {
        let metrics = NodeMetrics(loops: configuration.loops)
        let formats = FormatTable(compressionThreshold: configuration.compression.threshold)
        let broker = try makeBroker(configuration, metrics: metrics, formats: formats, clock: clock, logger: logger)
        let tls = try NodeTLS.make(configuration, metrics: metrics, clock: clock, logger: logger)
        let tokens = try await NodeTokens.make(configuration, metrics: metrics, clock: clock, logger: logger)
        let context = NodeContext(
            configuration: configuration,
            metrics: metrics,
            broker: broker,
            formats: formats,
            clock: clock,
            logger: logger,
            tokens: tokens,
            tls: tls
        )
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loops)
        do {
            var loops: [NIOLoopBound<LoopState>] = []
            var mailboxes: [Mailbox<BrokerEvent>] = []
            for (index, eventLoop) in group.makeIterator().enumerated() {
                let (loop, mailbox) = try await eventLoop.submit {
                    let loop = LoopState(node: context, index: index, eventLoop: eventLoop)
                    loop.start()
                    return (NIOLoopBound(loop, eventLoop: eventLoop), loop.mailbox)
                }.get()
                loops.append(loop)
                mailboxes.append(mailbox)
            }
            let control = RunningControl(context, receiver: mailboxes.count, eventLoop: group.next())
            context.control = control.bus
            context.emulation.connect(control.bus)
            context.polls.connect(control.bus)
            context.commands.connect(control.bus)
            context.sessions.connect(control.bus)
            broker.start(receivers: mailboxes + [control.bus.mailbox])
            control.start()
            let admin = try await RunningAdmin.start(context)
            do {
                let listener = try await PublicListener.open(node: context, loops: loops, group: group)
                let emitters = EmitterRelay(context)
                emitters?.start()
                return FanfareNode(
                    context: context, group: group, loops: loops, listener: listener, admin: admin, control: control,
                    emitters: emitters)
            } catch {
                await admin.stop()
                throw NodeStartError.bind(.public, host: configuration.host, port: configuration.port, error)
            }
        } catch {
            tokens?.stop()
            tls?.stop()
            await broker.shutdown()
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        context: NodeContext,
        group: MultiThreadedEventLoopGroup,
        loops: [NIOLoopBound<LoopState>],
        listener: PublicListener,
        admin: RunningAdmin,
        control: RunningControl,
        emitters: EmitterRelay?
    ) {
        self.context = context
        self.group = group
        self.loops = loops
        self.listener = listener
        self.admin = admin
        self.control = control
        self.emitters = emitters
    }

    private static func makeBroker(
        _ configuration: NodeConfiguration,
        metrics: NodeMetrics,
        formats: FormatTable,
        clock: NodeClock,
        logger: Logger
    ) throws -> any Broker {
        guard !configuration.redis.isEmpty else {
            return MemoryBroker(
                rules: configuration.channels, formats: formats, metrics: metrics.broker, clock: clock)
        }
        return RedisTopology(
            configuration.redis,
            rules: configuration.channels,
            nodeName: configuration.nodeName,
            metrics: metrics.broker,
            formats: formats,
            logger: logger
        ).makeBroker()
    }

    /// Ends the node in order: not ready, no new sockets, closes spread over the drain window, accepted publications
    /// finished, everything shut. Takes the drain window and at most ``drainGrace`` more.
    public func drain() async {
        let window = context.configuration.drain
        context.logger.info(
            "draining",
            metadata: ["clients": "\(context.admission.count)", "window": "\(window)"]
        )
        context.isDraining = true
        context.isAccepting = false
        await listener.close()
        for loop in loops { loop.eventLoop.execute { loop.value.drain(window: window) } }
        let deadline = ContinuousClock.now + window + Self.drainGrace
        while context.admission.count > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        for loop in loops { try? await loop.eventLoop.submit { loop.value.tellPresence() }.get() }
        context.tokens?.stop()
        context.tls?.stop()
        await emitters?.stop()
        control.stop()
        await context.broker.shutdown()
        await admin.stop()
        for loop in loops { try? await loop.eventLoop.submit { loop.value.stop() }.get() }
        try? await group.shutdownGracefully()
        context.logger.info("stopped", metadata: ["clients left": "\(context.admission.count)"])
    }

    /// Reads what may change while the node runs: the certificate of the public port.
    public func reload() {
        guard let tls = context.tls else {
            return context.logger.notice("nothing to read anew: there is no tls-certificate")
        }
        tls.reload()
    }
}
