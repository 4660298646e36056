	switch (t->back) {
	default: Uerror("bad return move");
	case  0: goto R999; /* nothing to undo */

		 /* PROC next */
	case 3: // STATE 3
		sv_restor();
		goto R999;
	case 4: // STATE 8
		sv_restor();
		goto R999;
	case 5: // STATE 14
		sv_restor();
		goto R999;
	case 6: // STATE 20
		sv_restor();
		goto R999;
	case 7: // STATE 26
		sv_restor();
		goto R999;
	case 8: // STATE 32
		sv_restor();
		goto R999;
	case 9: // STATE 38
		sv_restor();
		goto R999;

	case 10: // STATE 43
		;
		p_restor(II);
		;
		;
		goto R999;
	}

