import FanfareCore
import FanfareWire

/// Every metric of a node: name, meaning, where its value comes from. No label has values that a client can choose.
struct NodeExposition {
    let context: AdminContext

    /// The answer to a scrape. Any thread: everything it reads is atomic.
    func render() -> String {
        var text = Exposition()
        node(&text)
        connections(&text)
        traffic(&text)
        lags(&text)
        broker(&text)
        limits(&text)
        ProcessStatistics.current.write(to: &text)
        return text.text
    }

    private var metrics: NodeMetrics { context.metrics }

    private func node(_ text: inout Exposition) {
        text.family(
            "fanfare_build_info", .gauge, "Version of the node; always 1.",
            [([("version", context.version), ("node", context.nodeName), ("broker", context.brokerName)], 1)])
        let readiness = Readiness(context)
        text.add("fanfare_ready", .gauge, "Whether the node should get traffic.", readiness.isReady ? 1 : 0)
        text.add("fanfare_draining", .gauge, "Whether the node is on its way out.", context.isDraining() ? 1 : 0)
        text.add("fanfare_event_loops", .gauge, "Event loops, one thread each.", Double(metrics.loops.count))
    }

    private func connections(_ text: inout Exposition) {
        gauge(&text, "fanfare_connections", "Clients with a session now.", .connections)
        gauge(&text, "fanfare_pending_connections", "Sockets without a session now.", .pendingConnections)
        counter(&text, "fanfare_sockets_accepted_total", "Sockets accepted.", .socketsAccepted)
        counter(&text, "fanfare_connections_accepted_total", "Sessions begun.", .connectionsAccepted)
        text.family(
            "fanfare_connections_refused_total", .counter, "Requests and sockets that got no session, by reason.",
            RefusalReason.allCases.map { ([("reason", $0.label)], Double(metrics.sum($0))) })
        text.family(
            "fanfare_disconnects_total", .counter, "Sessions ended, by close code.",
            Disconnect.allCases.map { ([("code", "\($0.code)")], Double(metrics.sum($0))) })
        text.add(
            "fanfare_accept_pauses_total", .counter, "Times that accepting paused for want of file descriptors.",
            Double(metrics.shared.value(.acceptPauses)))
        gauge(&text, "fanfare_subscriptions", "Client-channel pairs now.", .subscriptions)
        gauge(&text, "fanfare_channels", "Channels with a subscriber, summed over event loops.", .channels)
        counter(&text, "fanfare_pings_sent_total", "Pings sent to clients.", .pingsSent)
    }

    private func traffic(_ text: inout Exposition) {
        counter(&text, "fanfare_messages_received_total", "Messages from clients.", .messagesReceived)
        counter(&text, "fanfare_received_bytes_total", "Bytes of messages from clients, without framing.", .bytesReceived)
        counter(&text, "fanfare_command_errors_total", "Commands answered with an error.", .commandErrors)
        counter(&text, "fanfare_publications_in_total", "Publications of clients that were accepted.", .publicationsIn)
        counter(
            &text, "fanfare_publications_out_total", "Publications from the broker, one per event loop that has subscribers.",
            .publicationsOut)
        counter(&text, "fanfare_deliveries_total", "Publications written to clients, one per subscriber.", .deliveries)
        counter(&text, "fanfare_delivery_writes_total", "Writes to sockets that carried deliveries.", .deliveryWrites)
        let writes = metrics.sum(.deliveryWrites)
        text.add(
            "fanfare_coalescing_ratio", .gauge, "Deliveries per write since start.",
            writes == 0 ? 1 : Double(metrics.sum(.deliveries)) / Double(writes))
        counter(&text, "fanfare_sent_bytes_total", "Bytes given to the kernel for clients.", .bytesSent)
        gauge(&text, "fanfare_queue_bytes", "Bytes that wait for clients to take them.", .queueBytes)
        text.add(
            "fanfare_api_publications_total", .counter, "Publications accepted from the server API.",
            Double(metrics.shared.value(.apiPublications)))
        text.add(
            "fanfare_api_errors_total", .counter, "Server API requests answered with an error.",
            Double(metrics.shared.value(.apiErrors)))
    }

    private func lags(_ text: inout Exposition) {
        histogram(
            &text, "fanfare_ping_round_trip_seconds", "From a ping to the first sign of life.",
            metrics.sum(\.pingRoundTrip))
        histogram(
            &text, "fanfare_delivery_lag_seconds",
            "From a publication's acceptance by a node to the end of its fan-out here.", metrics.sum(\.deliveryLag))
        histogram(
            &text, "fanfare_event_loop_lag_seconds", "How late an event loop's timer is.", metrics.sum(\.loopLag))
        histogram(
            &text, "fanfare_broker_lag_seconds", "From a publication's acceptance by a node to its arrival here.",
            metrics.broker.lag.snapshot())
    }

    private func broker(_ text: inout Exposition) {
        let counters = metrics.broker.counters
        text.add(
            "fanfare_redis_up", .gauge, "Whether publications flow through Redis; 1 also without one.",
            context.broker.status.isUp ? 1 : 0)
        text.add(
            "fanfare_redis_reconnects_total", .counter, "Links to Redis made anew.", Double(counters.value(.reconnects)))
        text.family(
            "fanfare_redis_probes_total", .counter, "Probes through Redis, by result.",
            [
                ([("result", "answered")], Double(counters.value(.probesAnswered))),
                ([("result", "lost")], Double(counters.value(.probesLost))),
            ])
        histogram(
            &text, "fanfare_redis_probe_seconds", "Way of a probe through Redis and back.",
            metrics.broker.probeRoundTrip.snapshot())
        histogram(
            &text, "fanfare_redis_resubscribe_seconds", "From a link's loss to all channels subscribed again.",
            metrics.broker.resubscribe.snapshot())
        text.add(
            "fanfare_broker_published_total", .counter, "Publications that the broker took from this node.",
            Double(counters.value(.published)))
        text.add(
            "fanfare_broker_publish_failures_total", .counter, "Publications that the broker did not take.",
            Double(counters.value(.publishFailed)))
        text.add(
            "fanfare_broker_received_total", .counter, "Publications from the broker.", Double(counters.value(.received)))
        text.add(
            "fanfare_broker_dropped_total", .counter, "Messages from the broker that were no use: malformed, too big, late.",
            Double(counters.value(.dropped)))
        text.add(
            "fanfare_broker_channels", .gauge, "Channels that this node hears.", Double(counters.value(.channels)))
        text.add(
            "fanfare_broker_pending_publishes", .gauge, "Publications that wait for the broker's answer.",
            Double(counters.value(.pendingPublishes)))
    }

    private func limits(_ text: inout Exposition) {
        let limits = context.limits
        let values: [(String, String, Int)] = [
            ("connections", "Limit of clients with a session.", limits.maxConnections),
            ("pending_connections", "Limit of sockets without a session.", limits.maxPendingConnections),
            ("message_bytes", "Limit of bytes of one message.", limits.maxMessageBytes),
            ("queue_bytes", "Limit of bytes that wait for one client.", limits.maxQueueBytes),
            ("channels_per_client", "Limit of channels of one client.", limits.maxChannelsPerClient),
            ("channel_name_bytes", "Limit of bytes of a channel's name.", limits.maxChannelNameBytes),
            ("pending_commands", "Limit of a client's publishes that wait for the broker.", limits.maxPendingCommands),
        ]
        for (name, help, value) in values { text.add("fanfare_limit_\(name)", .gauge, help, Double(value)) }
        if let interval = context.keepAlive.pingInterval {
            text.add(
                "fanfare_ping_interval_seconds", .gauge, "Time between two pings of a client.",
                Double(interval.microseconds) / 1_000_000)
        }
    }

    private func counter(_ text: inout Exposition, _ name: String, _ help: String, _ counter: LoopCounter) {
        text.add(name, .counter, help, Double(metrics.sum(counter)))
    }

    private func gauge(_ text: inout Exposition, _ name: String, _ help: String, _ counter: LoopCounter) {
        text.add(name, .gauge, help, Double(metrics.sum(counter)))
    }

    private func histogram(
        _ text: inout Exposition, _ name: String, _ help: String, _ snapshot: DurationHistogram.Snapshot
    ) {
        text.histogram(
            name, help, bounds: DurationHistogram.boundsMicroseconds, buckets: snapshot.buckets,
            sumMicroseconds: snapshot.sumMicroseconds)
    }
}
