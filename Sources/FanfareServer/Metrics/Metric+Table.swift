import FanfareCore
import FanfareWire

/// Every metric of a node, one line each; limits stand beside what they limit.
extension Metric {
    static let all: [Metric] =
        node + connections + tls + tokens + traffic + rates + pings + lags + broker + control + api + process

    private static let node: [Metric] = [
        Metric(name: "fanfare_build_info", kind: .gauge, help: "What runs here; always 1.") {
            let context = $0.context
            return .family([
                ([("version", context.version), ("node", context.nodeName), ("broker", context.brokerName)], 1)
            ])
        },
        .flag("fanfare_ready", "Whether the node should get traffic, 1 or 0.") { $0.readiness.isReady },
        .flag("fanfare_draining", "Whether the node is on its way out, 1 or 0.") { $0.context.isDraining() },
        .gauge("fanfare_event_loops", "Event loops, one thread each.") { Double($0.metrics.loops.count) },
    ]

    private static let connections: [Metric] = [
        .gauge("fanfare_connections", "Clients with a session now.", loops: .connections),
        clients,
        .limit("fanfare_limit_connections", "Most clients with a session.") { $0.maxConnections },
        .limit("fanfare_limit_connections_per_address", "Most clients from an address, 0 for no limit.") {
            $0.maxConnectionsPerAddress
        },
        .limit("fanfare_limit_connect_rate_per_address", "Most attempts from an address in a second, 0 for no limit.") {
            $0.maxConnectRatePerAddress
        },
        .gauge("fanfare_known_addresses", "Addresses with clients or attempts, where something is limited by address.")
        {
            Double($0.context.knownAddresses())
        },
        .counter(
            "fanfare_forwarded_malformed_total", "Upgrades where a trusted proxy named no address.",
            shared: .forwardedMalformed),
        .counter(
            "fanfare_forwarded_untrusted_total", "Upgrades with forwarded addresses of peers that are not trusted.",
            shared: .forwardedUntrusted),
        .limit("fanfare_limit_connections_per_user", "Most clients of a user, 0 for no limit.") {
            $0.maxConnectionsPerUser
        },
        .gauge("fanfare_known_users", "Users with clients, where something is limited by user.") {
            Double($0.context.knownUsers())
        },
        .gauge("fanfare_pending_connections", "Sockets without a session now.", loops: .pendingConnections),
        .limit("fanfare_limit_pending_connections", "Most sockets without a session.") { $0.maxPendingConnections },
        .limit("fanfare_limit_pending_connections_per_address", "Most of them from one address.") {
            $0.maxPendingConnectionsPerAddress
        },
        .counter("fanfare_sockets_accepted_total", "Sockets accepted.", loops: .socketsAccepted),
        .gauge("fanfare_http2_connections", "Connections of HTTP/2 now.", loops: .http2Connections),
        .counter("fanfare_http2_streams_total", "Streams of HTTP/2, a request each.", loops: .http2Streams),
        .counter("fanfare_connections_accepted_total", "Sessions begun.", loops: .connectionsAccepted),
        .counter("fanfare_connections_refused_total", "Requests and sockets without a session.", by: "reason") { node in
            RefusalReason.allCases.map { ($0.label, node.sum($0)) }
        },
        .counter(
            "fanfare_disconnects_total", "Sessions ended, by close code; all codes of applications are one.", by: "code"
        ) { node in
            DisconnectIndex.allCases.map { ($0.label, node.sum($0)) }
        },
        .counter("fanfare_accept_pauses_total", "Pauses of accept for want of descriptors.", shared: .acceptPauses),
        .deadline("fanfare_limit_handshake_seconds", "Longest wait for a request head.") { $0.limits.handshakeTimeout },
        .deadline("fanfare_limit_socketio_connect_seconds", "Longest wait for a Socket.IO client's first namespace.") {
            $0.limits.socketIOConnectTimeout
        },
        .deadline("fanfare_limit_first_command_seconds", "Longest wait for a client's first command.") {
            $0.limits.firstCommandTimeout
        },
        .deadline("fanfare_limit_close_seconds", "Longest wait for a client's close frame.") { $0.limits.closeTimeout },
        .limit("fanfare_limit_header_field_bytes", "Most bytes of one header field.") { $0.maxHeaderFieldBytes },
        .limit("fanfare_limit_header_list_bytes", "Most bytes of all header fields.") { $0.maxHeaderListBytes },
        .limit("fanfare_limit_header_fields", "Most header fields of a request.") { $0.maxHeaderFields },
        .gauge("fanfare_subscriptions", "Subscriptions of clients now.", loops: .subscriptions),
        .limit("fanfare_limit_channels_per_client", "Most channels of one client.") { $0.maxChannelsPerClient },
        .limit("fanfare_limit_filters_per_channel", "Most different filters of a channel on one event loop.") {
            $0.maxFiltersPerChannel
        },
        .counter(
            "fanfare_filter_refusals_total", "Subscriptions refused, for their channel has too many filters.",
            loops: .filterRefusals),
        .counter(
            "fanfare_format_refusals_total", "Subscriptions refused, for there are too many different selections.",
            loops: .formatRefusals),
        .gauge("fanfare_filter_subscriptions", "Subscriptions with a filter now.", loops: .filterSubscriptions),
        .gauge("fanfare_delta_subscriptions", "Subscriptions with deltas now.", loops: .deltaSubscriptions),
        .gauge(
            "fanfare_presence_members", "Members of channels with presence, client-channel pairs.",
            loops: .presenceMembers),
        .limit("fanfare_limit_presence_members", "Most members that a client is given.") { $0.maxPresenceMembers },
        .limit("fanfare_limit_api_presence_members", "Most members that a backend is given.") {
            $0.maxAPIPresenceMembers
        },
        .gauge("fanfare_channels", "Channels with a subscriber, summed over event loops.", loops: .channels),
        .limit("fanfare_limit_channel_name_bytes", "Most bytes of a channel name.") { $0.maxChannelNameBytes },
    ]

    private static let tls: [Metric] = [
        .gauge(
            "fanfare_tls_certificate_not_after_timestamp_seconds",
            "Expiry of the certificate in use, seconds since 1970; left out without TLS."
        ) {
            let time = $0.metrics.tls.value(.notAfter)
            return time == 0 ? nil : Double(time)
        },
        .counter("fanfare_tls_reloads_total", "Certificates read anew, by result.", by: "result") { node in
            [("ok", node.tls.value(.reloads)), ("failed", node.tls.value(.reloadFailures))]
        },
    ]

    private static let tokens: [Metric] = [
        .counter("fanfare_tokens_accepted_total", "Tokens believed.") {
            Double($0.metrics.tokens.counters.value(.accepted))
        },
        .counter("fanfare_tokens_refused_total", "Tokens not believed, by reason.", by: "reason") { node in
            TokenRefusal.allCases.map { ($0.label, node.tokens.refusals.value($0)) }
        },
        .counter("fanfare_token_key_set_loads_total", "Reads of the key set, by result.", by: "result") { node in
            let counters = node.tokens.counters
            let failures = counters.value(.keySetFailures)
            return [("ok", counters.value(.keySetLoads) - failures), ("failed", failures)]
        },
        .gauge("fanfare_token_key_set_keys", "Keys of the key set in use.") {
            Double($0.metrics.tokens.counters.value(.keySetKeys))
        },
        .limit("fanfare_limit_token_bytes", "Most bytes of a token.") { $0.maxTokenBytes },
        .deadline("fanfare_limit_expired_grace_seconds", "Longest stay behind a token's expiry.") {
            $0.limits.expiredGrace
        },
    ]

    private static let traffic: [Metric] = [
        .counter("fanfare_messages_received_total", "Messages from clients.", loops: .messagesReceived),
        .counter("fanfare_received_bytes_total", "Bytes of clients' messages, no framing.", loops: .bytesReceived),
        .counter(
            "fanfare_emulation_messages_total", "Messages that came to a session here by `POST /emulation`.",
            loops: .emulatedMessages),
        .counter(
            "fanfare_emulation_forwarded_total", "Requests of `/emulation` whose session is on another node.",
            shared: .emulationForwarded),
        .gauge(
            "fanfare_request_sessions", "Sessions that outlive their requests (SockJS), with those that just ended.",
            loops: .requestSessions),
        .counter(
            "fanfare_session_forwarded_total", "Requests of such sessions that are on another node.",
            shared: .sessionForwarded),
        .counter(
            "fanfare_session_searches_total", "Searches on all nodes for such sessions.", shared: .sessionSearches),
        .gauge("fanfare_session_answering", "Requests of other nodes that wait for such sessions here.") {
            Double($0.context.sessionAnswering().waiting)
        },
        .counter("fanfare_session_busy_total", "Those that were refused: too many wait of their node, or of all.") {
            Double($0.context.sessionAnswering().refused)
        },
        .gauge("fanfare_engineio_polling", "Sessions of Engine.IO that poll now.", loops: .pollingSessions),
        .gauge("fanfare_engineio_waiting_polls", "Their polls that wait for an answer.", loops: .waitingPolls),
        .counter(
            "fanfare_engineio_upgrades_total", "Clients of Engine.IO that moved from polling to a WebSocket.",
            loops: .engineIOUpgrades),
        .gauge(
            "fanfare_engineio_half_open", "Sessions of Engine.IO whose client has not come back since the handshake.",
            loops: .halfOpenSessions),
        .counter(
            "fanfare_engineio_half_open_cut_total", "Such sessions that ended to make room for another.",
            loops: .halfOpenCuts),
        .limit("fanfare_limit_engineio_half_open", "Most of them, on each event loop.") { _ in
            EngineIOBounds.halfOpen
        },
        .counter(
            "fanfare_received_compressed_bytes_total", "Bytes of clients' compressed messages as they came.",
            loops: .compressedBytesReceived),
        .counter(
            "fanfare_received_inflated_bytes_total", "Bytes of the same messages inflated.",
            loops: .inflatedBytesReceived),
        .counter(
            "fanfare_filtered_total", "Publications that filters left out, one for each subscriber.", loops: .filtered),
        .counter(
            "fanfare_delta_input_bytes_total", "Bytes of data that went out as deltas, for each subscriber.",
            loops: .deltaInputBytes),
        .counter(
            "fanfare_delta_output_bytes_total", "Bytes of the frames that brought these deltas.",
            loops: .deltaOutputBytes),
        .limit("fanfare_limit_message_bytes", "Most bytes of one message of a client.") { $0.maxMessageBytes },
        .limit("fanfare_limit_attachments", "Most attachments of one packet of a Socket.IO client.") {
            $0.maxAttachments
        },
        .limit("fanfare_limit_fragments", "Most fragments of one message of a client.") { $0.maxFragments },
        .limit("fanfare_limit_control_frames", "Most pings and pongs of a client in a second.") {
            $0.maxControlFramesPerSecond
        },
        .deadline("fanfare_limit_message_seconds", "Longest time for a message of a client.") {
            $0.limits.messageTimeout
        },
        .deadline("fanfare_limit_ack_seconds", "Longest wait for the ACK of a message of STOMP.") {
            $0.limits.ackTimeout
        },
        .limit("fanfare_limit_commands_per_message", "Most commands in one message.") { $0.maxCommandsPerMessage },
        .limit("fanfare_limit_pending_commands", "Most commands of a client that wait.") { $0.maxPendingCommands },
        .deadline("fanfare_limit_slow_seconds", "Longest wait for a client to take a part.") { $0.limits.slowTimeout },
        .deadline("fanfare_limit_poll_gap_seconds", "Longest time between two polls of a cursor.") {
            $0.limits.pollGap
        },
        .limit("fanfare_limit_connect_rate", "Most sessions begun in a second.") { $0.maxConnectRate },
        .limit("fanfare_limit_recovery_bytes", "Most recovered bytes that wait for clients.") { $0.maxRecoveryBytes },
        .limit("fanfare_limit_recovery_publications", "Most publications from history at a time.") { $0.maxRecovery },
        .counter("fanfare_command_errors_total", "Commands answered with an error.", loops: .commandErrors),
        .counter("fanfare_publications_in_total", "Clients' publications accepted.", loops: .publicationsIn),
        .counter("fanfare_publications_out_total", "Publications taken by event loops.", loops: .publicationsOut),
        .counter("fanfare_deliveries_total", "Publications written, one per subscriber.", loops: .deliveries),
        .counter("fanfare_skipped_total", "Deliveries that a newer one replaced, as asked for.", loops: .skipped),
        .counter("fanfare_delivery_writes_total", "Socket writes that carried deliveries.", loops: .deliveryWrites),
        .gauge("fanfare_coalescing_ratio", "Deliveries per write since start, 1 before the first.") {
            let writes = $0.metrics.sum(.deliveryWrites)
            return writes == 0 ? 1 : Double($0.metrics.sum(.deliveries)) / Double(writes)
        },
        .counter("fanfare_sent_bytes_total", "Bytes written to clients or queued for them.", loops: .bytesSent),
        .counter(
            "fanfare_deflate_input_bytes_total", "Bytes of publications' frames before compression.",
            loops: .deflateInputBytes),
        .counter(
            "fanfare_deflate_output_bytes_total", "Bytes of the same frames after it.", loops: .deflateOutputBytes),
        .gauge("fanfare_queue_bytes", "Bytes that wait for clients to take them, all clients.", loops: .queueBytes),
        .gauge(
            "fanfare_queue_memory_bytes",
            "Memory of what waits for clients, where what they share counts once, and of what waits for their ACK or COMMIT.",
            loops: .queueMemory),
        .limit("fanfare_limit_node_queue_bytes", "Most memory of what waits for all clients.") { $0.maxNodeQueueBytes },
        .counter(
            "fanfare_queue_cuts_total", "Clients cut because all queues together were too big.", loops: .queueCuts),
        .limit("fanfare_limit_queue_bytes", "Most bytes that wait for one client.") { $0.maxQueueBytes },
    ]

    private static let rates: [Metric] = [
        .counter("fanfare_throttled_total", "Times a client was not read for being too fast.", by: "limit") { node in
            ClientRate.thatThrottle.map { ($0.label, node.throttled($0)) }
        },
        .counter("fanfare_rate_refusals_total", "Commands and requests refused as too many.", by: "limit") { node in
            ClientRate.thatRefuse.map { ($0.label, node.refused($0)) }
        },
        .limit("fanfare_limit_message_rate", "Most messages of a client in a second, 0: any.") { $0.maxMessageRate },
        .limit("fanfare_limit_byte_rate", "Most bytes of a client in a second, 0: any.") { $0.maxByteRate },
        .limit("fanfare_limit_publish_rate", "Most publications of a client in a second, 0: any.") {
            $0.maxPublishRate
        },
        .limit("fanfare_limit_subscribe_rate", "Most subscribes of a client in a second, 0: any.") {
            $0.maxSubscribeRate
        },
        .limit("fanfare_limit_read_rate", "Most reads of a client in a second, 0: any.") { $0.maxReadRate },
        .limit("fanfare_limit_user_message_rate", "Most messages of a user in a second, 0: any.") {
            $0.maxUserMessageRate
        },
        .limit("fanfare_limit_user_publish_rate", "Most publications of a user in a second, 0: any.") {
            $0.maxUserPublishRate
        },
    ]

    private static let pings: [Metric] = [
        .counter("fanfare_pings_sent_total", "Pings sent to clients.", loops: .pingsSent),
        .histogram("fanfare_ping_round_trip_seconds", "From ping to life, seconds.", loops: { $0.pingRoundTrip }),
        .deadline("fanfare_ping_interval_seconds", "Time between two pings of a client, 0 when they are off.") {
            $0.context.keepAlive.pingInterval ?? .zero
        },
        .deadline("fanfare_limit_pong_seconds", "Longest wait for life after a ping.") {
            $0.context.keepAlive.pongTimeout
        },
    ]

    private static let lags: [Metric] = [
        .histogram("fanfare_delivery_lag_seconds", "From accepting to fan-out, seconds.", loops: { $0.deliveryLag }),
        .histogram("fanfare_event_loop_lag_seconds", "How late a loop's timer is, seconds.", loops: { $0.loopLag }),
        .histogram("fanfare_broker_lag_seconds", "From accepting to arrival here, seconds.", broker: { $0.lag }),
    ]

    private static let broker: [Metric] = [
        .flag("fanfare_redis_up", "Whether publications flow, 1 or 0; 1 without Redis.") { $0.brokerStatus.isUp },
        .counter("fanfare_redis_reconnects_total", "Links to Redis made anew.", broker: .reconnects),
        .counter("fanfare_redis_probes_total", "Probes through Redis, by result.", by: "result") {
            let counters = $0.broker.counters
            return [("answered", counters.value(.probesAnswered)), ("lost", counters.value(.probesLost))]
        },
        .histogram(
            "fanfare_redis_probe_seconds",
            "From a probe to its return, seconds.",
            broker: { $0.probeRoundTrip }
        ),
        .histogram("fanfare_redis_resubscribe_seconds", "From loss to whole, seconds.", broker: { $0.resubscribe }),
        .counter("fanfare_broker_published_total", "Publications the broker took from here.", broker: .published),
        .counter("fanfare_broker_publish_failures_total", "Publications it did not take.", broker: .publishFailed),
        .gauge("fanfare_broker_pending_publishes", "Publications without an answer yet.", broker: .pendingPublishes),
        .counter("fanfare_broker_received_total", "Publications from the broker.", broker: .received),
        .counter(
            "fanfare_broker_dropped_total", "Messages malformed, too big, or for a loop that is behind.",
            broker: .dropped),
        .counter(
            "fanfare_broker_unreadable_total", "Entries and members in Redis that were not understood.",
            broker: .unreadable),
        .counter(
            "fanfare_broker_skipped_fields_total", "Fields of messages and entries that were passed over.",
            broker: .skippedFields),
        .gauge("fanfare_broker_channels", "Channels that this node hears.", broker: .channels),
        .counter("fanfare_broker_duplicates_total", "Publishes repeated with their key.", broker: .duplicates),
        .counter("fanfare_history_reads_total", "Reads of a channel's history.", broker: .historyReads),
        .counter("fanfare_gaps_total", "Times a stream was ahead of what came here.", broker: .gaps),
        .counter(
            "fanfare_repaired_total", "Publications read from a stream, for they did not come.", broker: .repaired),
        .counter("fanfare_insufficient_total", "Gaps that the stream could not fill any more.", broker: .insufficient),
        .counter(
            "fanfare_stream_breaks_total", "Publications that were not the next of their stream here.",
            loops: .streamBreaks),
        .counter("fanfare_lost_total", "Publications without history that never came.", broker: .lost),
        .counter("fanfare_presence_calls_total", "Calls about channels' members.", broker: .presenceCalls),
        .counter("fanfare_presence_failures_total", "Those that failed.", broker: .presenceFailed),
        .counter("fanfare_presence_events_total", "Joins and leaves from the broker.", broker: .presenceEvents),
    ]

    private static let control: [Metric] = [
        .gauge("fanfare_nodes", "Nodes of the cluster that this one hears of, itself among them.", control: .nodes),
        .counter("fanfare_control_sent_total", "Messages to other nodes.", control: .sent),
        .counter("fanfare_control_received_total", "Messages from nodes, its own among them.", control: .received),
        .counter("fanfare_control_unreadable_total", "Those that were not understood.", control: .unreadable),
        .counter(
            "fanfare_control_unknown_commands_total", "Requests with a command of another release.",
            control: .unknownCommands),
        .counter("fanfare_control_timeouts_total", "Requests to nodes that got no answer in time.", control: .timeouts),
        .counter(
            "fanfare_control_refused_total", "Messages not sent: too large, too many, no broker.", control: .refused),
        .counter(
            "fanfare_control_conflicts_total", "Announcements of another node with this one's id.", control: .conflicts),
    ]

    private static let api: [Metric] = [
        .counter("fanfare_api_publications_total", "Publications of the server API.", shared: .apiPublications),
        .counter("fanfare_client_commands_total", "Clients that backends commanded, by command.", by: "command") {
            node in
            [
                ("subscribe", node.sum(.commandedSubscribes)), ("unsubscribe", node.sum(.commandedUnsubscribes)),
                ("disconnect", node.sum(.commandedDisconnects)), ("refresh", node.sum(.commandedRefreshes)),
            ]
        },
        .gauge("fanfare_emitter_links", "Redis instances on which emitters of Socket.IO are heard now.") {
            Double($0.metrics.shared.value(.emitterLinks))
        },
        .counter(
            "fanfare_emitter_messages_total",
            "Messages of Socket.IO's emitters, by what became of them; of events each room's publication.",
            by: "outcome"
        ) { node in
            let shared = node.shared
            return [
                ("event", shared.value(.emitterEvents)), ("request", shared.value(.emitterRequests)),
                ("refused", shared.value(.emitterRefused)),
            ]
        },
        .counter("fanfare_api_errors_total", "API requests with an error in their answer.", shared: .apiErrors),
        .counter("fanfare_api_unauthorized_total", "API requests without a valid key.", shared: .apiUnauthorized),
        .counter(
            "fanfare_admin_foreign_total", "Requests on the admin port refused as a web page's, or for another host.",
            shared: .adminForeign),
        .gauge("fanfare_admin_connections", "Connections of the admin port now.") {
            Double($0.metrics.shared.value(.adminConnections))
        },
        .counter(
            "fanfare_admin_evictions_total", "Connections of the admin port closed to make room for another.",
            shared: .adminEvictions),
        .counter(
            "fanfare_admin_slow_readers_total",
            "Connections of the admin port closed because their readers took nothing of an answer.",
            shared: .adminSlowReaders),
        .limit("fanfare_limit_admin_connections", "Most connections of the admin port.") { $0.maxAdminConnections },
        .limit("fanfare_limit_api_body_bytes", "Most bytes of an API request's body.") { $0.maxAPIBodyBytes },
        .limit("fanfare_limit_api_channels", "Most channels of one broadcast.") { _ in ServerAPI.maximumBroadcast },
    ]

    private static let process: [Metric] = [
        .counter("process_cpu_seconds_total", "User and system CPU time, seconds.") { $0.process.cpuSeconds },
        .gauge("process_resident_memory_bytes", "Resident memory, bytes.") { $0.process.residentBytes },
        .gauge("process_virtual_memory_bytes", "Virtual memory, bytes.") { $0.process.virtualBytes },
        .gauge("process_start_time_seconds", "Start of the process, seconds since 1970.") { $0.process.startTime },
        .gauge("process_open_fds", "Open file descriptors.") { $0.process.openFiles },
        .gauge("process_max_fds", "Most open file descriptors.") { $0.process.maxFiles },
    ]
}
